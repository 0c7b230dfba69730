import Apus
import ApusCore
import ApusEngine
import HTTPTypes
import Hummingbird

/// A request that is ready to run, and how its answer is written.
struct Answer: Sendable {
  let requests: [TextRequest]
  let options: GenerationOptions
  let format: any AnswerFormat

  /// Runs the request; an error before the first event has its own HTTP status.
  func respond(
    to call: Call, model: LanguageModel, services: Services
  ) async throws -> Response {
    let feed = try start(call, model: model, services: services)
    return options.stream ? try await stream(feed) : .json(try await whole(feed))
  }

  /// Throws what the engine would refuse the request with.
  func validate(_ model: LanguageModel) throws {
    for request in requests { try model.engine.validate(request.generation) }
  }

  /// Tokens of all prompts; choices share theirs.
  private var promptTokens: Int {
    stride(from: 0, to: requests.count, by: max(options.choiceCount, 1))
      .reduce(0) { $0 + requests[$1].generation.prompt.count }
  }

  /// Starts the request without waiting for its first event.
  func start(
    _ call: Call, model: LanguageModel, services: Services
  ) throws -> GenerationFeed.Stream {
    try validate(model)
    let requests = try call.outputLimit.apply(to: requests, of: call.body)
    call.record?.begin(promptTokens: promptTokens)
    return GenerationFeed.start(requests, model: model, call: call, services: services)
  }

  /// The body of an answer that is not streamed.
  func whole(_ feed: GenerationFeed.Stream) async throws -> JSONValue {
    var choices = requests.indices.map { ChoiceResult(index: $0) }
    for try await item in feed {
      if case .event(let choice, let event) = item { choices[choice].add(event) }
    }
    let finishes = choices.compactMap(\.finish)
    // The task was cancelled: the stream ended early.
    guard finishes.count == choices.count else {
      throw RequestError.unavailable("the server is shutting down")
    }
    var format = format
    let summary = AnswerSummary(finishes, choicesPerPrompt: options.choiceCount)
    return format.whole(choices, summary: summary)
  }

  private func stream(_ feed: GenerationFeed.Stream) async throws -> Response {
    var iterator = feed.makeAsyncIterator()
    let first = try await iterator.next()
    let headers: HTTPFields = [
      .contentType: "text/event-stream", .cacheControl: "no-cache", .xAccelBuffering: "no",
    ]
    let body = ResponseBody { writer in
      var events = EventStream(answer: self)
      try await writer.write(events.opening(first))
      var iterator = feed.makeAsyncIterator()
      while !events.isComplete {
        var bytes: ByteBuffer?
        do {
          bytes = try await events.handle(iterator.next())
        } catch RequestError.disconnected {
          throw RequestError.disconnected
        } catch {
          bytes = events.fail(error)
        }
        if let bytes { try await writer.write(bytes) }
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: headers, body: body)
  }
}

extension HTTPField.Name {
  /// Keeps a proxy from collecting a stream.
  fileprivate static var xAccelBuffering: Self {
    HTTPField.Name("x-accel-buffering") ?? .cacheControl
  }
}

/// Turns the items of a feed into server-sent events.
struct EventStream {
  private(set) var isComplete = false
  private let options: GenerationOptions
  private var format: any AnswerFormat
  private var finishes: [TextFinish?]
  /// Something has been written since the last beat.
  private var isLively = false

  init(answer: Answer) {
    options = answer.options
    format = answer.format
    finishes = Array(repeating: nil, count: answer.requests.count)
  }

  /// The events before the first text, and those of the feed's first item.
  mutating func opening(_ first: GenerationFeed.Item?) -> ByteBuffer {
    var buffer = ByteBuffer()
    for choice in finishes.indices { write(format.opening(choice), to: &buffer) }
    if var rest = handle(first) { buffer.writeBuffer(&rest) }
    return buffer
  }

  /// The bytes of the next item, nil for none; the end of the feed completes the stream.
  mutating func handle(_ item: GenerationFeed.Item?) -> ByteBuffer? {
    switch item {
    case .beat:
      defer { isLively = false }
      return isLively ? nil : ByteBuffer(string: ": ping\n\n")
    case .event(let choice, let event):
      let values = values(choice, event)
      guard !values.isEmpty else { return nil }
      isLively = true
      var buffer = ByteBuffer()
      write(values, to: &buffer)
      return buffer
    case nil:
      guard finishes.allSatisfy({ $0 != nil }) else {
        return fail(RequestError.unavailable("the server is shutting down"))
      }
      return ending()
    }
  }

  /// The bytes that tell of an error and end the stream.
  mutating func fail(_ error: any Error) -> ByteBuffer {
    var buffer = ByteBuffer()
    write([format.failure(APIError(error))], to: &buffer)
    buffer.writeTerminator(type(of: format).terminator)
    isComplete = true
    return buffer
  }

  private func write(_ values: [JSONValue], to buffer: inout ByteBuffer) {
    let named = type(of: format).namesEvents
    for value in values {
      buffer.writeEvent(value, name: named ? value["type"]?.stringValue : nil)
    }
  }

  private mutating func values(_ choice: Int, _ event: TextEvent) -> [JSONValue] {
    switch event {
    case .progress(let progress):
      guard options.returnProgress else { return [] }
      return [format.progress(choice, progress.json)].compactMap { $0 }
    case .promptLogprobs(let scores):
      return [format.promptScores(choice, scores)].compactMap { $0 }
    case .delta(let text, let tokens):
      // Text may lag behind its tokens; only log-probabilities tell of tokens without text.
      guard !text.isEmpty || tokens.contains(where: { $0.logprobs != nil }) else { return [] }
      return format.delta(choice, text: text, tokens: tokens)
    case .finished(let finish):
      finishes[choice] = finish
      return format.finish(choice, finish, summary: summary)
    }
  }

  /// Once all choices are complete.
  private var summary: AnswerSummary? {
    let done = finishes.compactMap { $0 }
    guard done.count == finishes.count else { return nil }
    return AnswerSummary(done, choicesPerPrompt: options.choiceCount)
  }

  private mutating func ending() -> ByteBuffer {
    isComplete = true
    var buffer = ByteBuffer()
    if let summary, let usage = format.usage(summary) { write([usage], to: &buffer) }
    buffer.writeTerminator(type(of: format).terminator)
    return buffer
  }
}

extension PromptProgress {
  fileprivate var json: JSONValue {
    [
      "total": .integer(Int64(total)), "cache": .integer(Int64(cached)),
      "processed": .integer(Int64(processed)),
      "time_ms": .integer(Int64(elapsed.milliseconds)),
    ]
  }
}
