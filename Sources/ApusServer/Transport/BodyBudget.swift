import Synchronization

/// Bounds the memory of all bodies that are being read and parsed at once.
package final class BodyBudget: Sendable {
  private let left: Mutex<Int>

  package init(_ bytes: Int) { left = Mutex(bytes) }

  /// Bytes that are left.
  package var remaining: Int { left.withLock { $0 } }

  /// Whether there were so many bytes left.
  func take(_ count: Int) -> Bool {
    left.withLock { left in
      guard count <= left else { return false }
      left -= count
      return true
    }
  }

  func give(_ count: Int) { left.withLock { $0 += count } }
}
