import ApusCompute
import ApusCore
import ApusEvaluation
import ArgumentParser
import Foundation

struct BenchServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Loads a server that speaks OpenAI's interface, and measures its answers.",
    discussion: """
      Requests are sent when they are due, whatever has become of those before. Times count from sending: ttft to the \
      first token, tpot between tokens of one answer, itl between pieces of the stream, e2el to the last token. Fields \
      of --json have the names of vllm bench serve.

      Prompts have the length asked for without the server's tokenizer: words that POST /tokenize counts as one token, \
      else words measured by the usage of two requests; the output says which. traces are CSV with TIMESTAMP, \
      ContextTokens and GeneratedTokens, or Mooncake's JSON lines, whose shared blocks the prompts share too. Lines of \
      jsonl have a prompt or messages, and max_tokens.

      --find-goodput doubles and halves the rate; a run has to be long against the limits, so give enough --num-prompts.

      EXAMPLES
        apus bench serve --base-url http://127.0.0.1:8080 --input-len 512 --output-len 64 --num-prompts 100 \
      --request-rate 2
        apus bench serve --dataset trace:trace.jsonl --num-prompts 200 --goodput ttft:2000 tpot:100
        apus bench serve --num-prompts 100 --sweep 1,2,4,8 --svg curve.svg
        apus bench serve --num-prompts 200 --goodput ttft:500 tpot:50 --find-goodput
      """)

  @Option(help: ArgumentHelp("The server, without /v1.", valueName: "url"))
  var baseUrl = "http://127.0.0.1:8080"

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model's name; default: the first that the server names.", valueName: "name"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "One of \(CompletionEndpoint.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "path"))
  var endpoint = CompletionEndpoint.completions

  @Option(help: ArgumentHelp("The key that the server asks for.", valueName: "key"))
  var apiKey: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Ask for answers of full length; default: yes, but not for jsonl. Servers may refuse it.")
  var ignoreEos: Bool?

  @Option(help: ArgumentHelp("The temperature to ask for; default: the server's.", valueName: "t"))
  var temperature: Double?

  @Option(
    help: ArgumentHelp("Fields to add to each request; null leaves one out.", valueName: "json"),
    transform: Self.object)
  var extraBody = JSONObject()

  @Option(
    help: ArgumentHelp("Write the result to this file, - for standard output.", valueName: "file"))
  var json: String?

  @Flag(help: "Add each request's times and lengths to the result.")
  var saveDetailed = false

  @Option(help: ArgumentHelp("Draw the curve of --sweep in this file.", valueName: "file"))
  var svg: String?

  @OptionGroup(title: "Workload") var workload: WorkloadOptions
  @OptionGroup(title: "Traffic") var traffic: TrafficOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    do { _ = try ServerAddress(parsing: baseUrl) } catch {
      throw ValidationError("--base-url: \(error)")
    }
    guard !workload.promptIds || endpoint == .completions else {
      throw ValidationError("--prompt-ids needs --endpoint /v1/completions; chats are text")
    }
    guard svg == nil || traffic.sweep != nil else {
      throw ValidationError("--svg draws the curve of --sweep; give rates")
    }
  }

  func run() async throws {
    OpenFiles.raiseLimit()
    for path in [json, svg] { try Output.checkCanWrite(to: path) }
    let requests = try requests()
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let client = LoadClient(
      try ServerAddress(parsing: baseUrl), apiKey: apiKey, timeout: traffic.timeout,
      threads: cores < 8 ? 1 : 2)
    let task = Task { try await measure(requests, client) }
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(try await Interrupts().value(of: task))
    } catch {
      outcome = .failure(error)
    }
    try await client.shutdown()
    if outcome.isInterruption { throw ExitCode(130) }
    try outcome.get()
  }

  private func requests() throws -> [LoadRequest] {
    let dataset = workload.dataset
    let text = try dataset.path.map { try TextInput.read($0) } ?? ""
    let requests = try dataset.requests(workload.options, text: text)
    if endpoint == .completions,
      let index = requests.firstIndex(where: {
        if case .messages = $0.prompt { true } else { false }
      })
    {
      throw ValidationError(
        "request \(index + 1) of \(dataset) has messages; give --endpoint \(CompletionEndpoint.chat.path)"
      )
    }
    return requests
  }

  private func measure(_ requests: [LoadRequest], _ client: LoadClient) async throws {
    let name: String
    if let model { name = model } else { name = try await client.firstModel() }
    let body = RequestBody(
      endpoint: endpoint, model: name, ignoreEOS: ignoreEos ?? workload.dataset.fixesOutputLength,
      temperature: temperature, extra: extraBody)
    let isGiven = requests.allSatisfy { if case .parts = $0.prompt { false } else { true } }
    let writer = try await PromptCalibration(client, body).writer(
      ids: workload.ids, isGiven: isGiven)
    var benchmark = LoadBenchmark(
      client, body, requests, writer,
      Arrivals(rate: traffic.requestRate ?? .infinity, burstiness: traffic.burstiness))
    benchmark.seed = workload.seed
    benchmark.options.maxConcurrency = traffic.maxConcurrency ?? .max
    benchmark.options.objective = try traffic.objective
    var measurement = LoadMeasurement(command: self, benchmark: benchmark)
    try measurement.printHeader()
    if let rates = traffic.sweep?.rates {
      try await measurement.sweep(rates)
    } else if traffic.findGoodput {
      try await measurement.findGoodput()
    } else {
      try await measurement.once()
    }
  }

  @Sendable private static func object(_ text: String) throws -> JSONObject {
    do {
      guard case .object(let object) = try JSONValue(parsing: text) else {
        throw ValidationError("give a JSON object")
      }
      return object
    } catch let error as JSONError { throw ValidationError("\(error)") }
  }
}

extension CompletionEndpoint: ExpressibleByArgument {}

extension Result where Success == Void {
  /// Ctrl-C ended the work, before or while something was measured.
  fileprivate var isInterruption: Bool {
    guard case .failure(let error) = self else { return false }
    return error is CancellationError
  }
}
