import ApusCore
import ApusEvaluation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP server that answers as a script says.
final class ScriptedServer: Sendable {
  struct Call: Sendable {
    var method: String
    var path: String
    var authorization: String?
    var body: JSONValue
  }

  enum Step: Sendable {
    case head(Int, type: String)
    case bytes([UInt8])
    /// Milliseconds.
    case wait(Int64)
    case end
    /// Closes the connection.
    case drop
  }

  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let counts: Counts

  var port: Int { channel.localAddress?.port ?? 0 }
  var calls: [Call] { counts.state.withLock { $0.calls } }
  /// Requests that were being answered at once, at most.
  var mostAtOnce: Int { counts.state.withLock { $0.mostAtOnce } }
  var connections: Int { counts.state.withLock { $0.connections } }

  /// - Parameter closesIdle: A connection is closed after an answer, though the server did not say so.
  init(
    closesIdle: Bool = false, _ script: @escaping @Sendable (Call) -> [Step]
  ) async throws {
    let counts = Counts()
    self.counts = counts
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: 1024)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        counts.state.withLock { $0.connections += 1 }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(
            ScriptHandler(counts, closesIdle: closesIdle, script))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func stop() async throws { try await group.shutdownGracefully() }

  func client(timeout: Double = 10, apiKey: String? = nil) throws -> LoadClient {
    LoadClient(
      try ServerAddress(parsing: "http://127.0.0.1:\(port)"), apiKey: apiKey, timeout: timeout)
  }

  final class Counts: Sendable {
    struct State {
      var calls: [Call] = []
      var atOnce = 0
      var mostAtOnce = 0
      var connections = 0
    }
    let state = Mutex(State())
  }
}

private final class ScriptHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let counts: ScriptedServer.Counts
  private let closesIdle: Bool
  private let script: @Sendable (ScriptedServer.Call) -> [ScriptedServer.Step]
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []

  init(
    _ counts: ScriptedServer.Counts, closesIdle: Bool,
    _ script: @escaping @Sendable (ScriptedServer.Call) -> [ScriptedServer.Step]
  ) {
    self.counts = counts
    self.closesIdle = closesIdle
    self.script = script
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = []
    case .body(let bytes): body += bytes.readableBytesView
    case .end:
      guard let head else { return }
      let call = ScriptedServer.Call(
        method: head.method.rawValue, path: head.uri,
        authorization: head.headers.first(name: "authorization"),
        body: (try? JSONValue(parsing: body)) ?? .null)
      counts.state.withLock { state in
        state.calls.append(call)
        state.atOnce += 1
        state.mostAtOnce = max(state.mostAtOnce, state.atOnce)
      }
      run(script(call)[...], context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func run(_ steps: ArraySlice<ScriptedServer.Step>, _ context: ChannelHandlerContext) {
    var steps = steps
    while let step = steps.popFirst() {
      switch step {
      case .head(let status, let type):
        let head = HTTPResponseHead(
          version: .http1_1, status: HTTPResponseStatus(statusCode: status),
          headers: ["Content-Type": type])
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
      case .bytes(let bytes):
        let buffer = ByteBuffer(bytes: bytes)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
      case .wait(let milliseconds):
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
          [steps] in self.run(steps, context)
        }
        return
      case .end:
        leave()
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if closesIdle { context.close(promise: nil) }
      case .drop:
        leave()
        context.close(promise: nil)
      }
    }
  }

  private func leave() { counts.state.withLock { $0.atOnce -= 1 } }
}

/// Answers as servers give them.
enum Script {
  static func event(_ json: JSONValue) -> [UInt8] { Array("data: ".utf8) + json.utf8 + [10, 10] }

  static func chunk(_ text: String) -> [UInt8] {
    event(["choices": [["index": 0, "text": .string(text), "finish_reason": nil]]])
  }

  /// What ends a stream, with `usage` if there is one.
  static func ending(prompt: Int? = nil, completion: Int = 0, cached: Int? = nil) -> [UInt8] {
    var bytes = event(["choices": [["index": 0, "text": "", "finish_reason": "length"]]])
    if let prompt {
      var usage = JSONObject([
        ("prompt_tokens", .integer(Int64(prompt))),
        ("completion_tokens", .integer(Int64(completion))),
      ])
      if let cached {
        usage["prompt_tokens_details"] = ["cached_tokens": .integer(Int64(cached))]
      }
      bytes += event(["choices": [], "usage": .object(usage)])
    }
    return bytes + Array("data: [DONE]\n\n".utf8)
  }

  /// A stream of as many tokens as asked for; the first comes after `first` milliseconds, the others after `gap`.
  static func answer(
    to call: ScriptedServer.Call, first: Int64 = 0, gap: Int64 = 0
  ) -> [ScriptedServer.Step] {
    let count = call.body["max_tokens"]?.intValue ?? 1
    let prompt = words(call).count
    var steps: [ScriptedServer.Step] = [.head(200, type: "text/event-stream")]
    for index in 0..<count {
      let pause = index == 0 ? first : gap
      if pause > 0 { steps.append(.wait(pause)) }
      steps.append(.bytes(chunk(" word")))
    }
    return steps + [.bytes(ending(prompt: prompt, completion: count)), .end]
  }

  static func json(_ value: JSONValue, status: Int = 200) -> [ScriptedServer.Step] {
    [.head(status, type: "application/json"), .bytes(value.utf8), .end]
  }

  static func words(_ call: ScriptedServer.Call) -> [Substring] {
    call.body["prompt"]?.stringValue?.split(separator: " ") ?? []
  }
}
