import Synchronization

/// A number that any thread may change.
final class Counter: Sendable {
  private let number = Atomic(0)

  var value: Int { number.load(ordering: .relaxed) }

  func set(_ value: Int) { number.store(value, ordering: .relaxed) }

  /// The number, which becomes the next one.
  func next() -> Int { number.wrappingAdd(1, ordering: .relaxed).oldValue }
}
