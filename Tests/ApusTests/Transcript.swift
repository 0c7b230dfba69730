import Synchronization

/// What a listing prints.
final class Transcript: Sendable {
  @TaskLocal private static var current: Transcript?
  private let text = Mutex("")

  /// The lines that `body` prints.
  static func lines(_ body: () async throws -> Void) async throws -> [String] {
    let transcript = Transcript()
    try await $current.withValue(transcript, operation: body)
    let text = transcript.text.withLock { $0 }
    return text.split(separator: "\n").map(String.init)
  }

  fileprivate static func add(_ text: String) {
    current?.text.withLock { $0 += text }
  }
}

/// Goes before the standard library's in this module, so that tests see what listings print.
func print(_ items: Any..., terminator: String = "\n") {
  Transcript.add(items.map { "\($0)" }.joined(separator: " ") + terminator)
}
