import Synchronization

/// What a listing prints.
final class ListingOutput: Sendable {
  @TaskLocal private static var current: ListingOutput?
  private let text = Mutex("")

  /// The lines that `body` prints.
  static func lines(_ body: () async throws -> Void) async throws -> [String] {
    let output = ListingOutput()
    try await $current.withValue(output, operation: body)
    let text = output.text.withLock { $0 }
    return text.split(separator: "\n").map(String.init)
  }

  fileprivate static func add(_ text: String) {
    current?.text.withLock { $0 += text }
  }
}

/// Goes before the standard library's in this module, so that tests see what listings print.
func print(_ items: Any..., terminator: String = "\n") {
  ListingOutput.add(items.map { "\($0)" }.joined(separator: " ") + terminator)
}
