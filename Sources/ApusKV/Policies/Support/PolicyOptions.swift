import ApusCore

/// Options that several policies have.
extension PluginOptions {
  /// `slack`: how many tokens more than its capacity a head may hold before it is cut back.
  func slack() throws -> KVTrigger {
    .always(slack: try int("slack", in: 1...4096) ?? 32)
  }

  /// `merge`: evicted keys and values are merged into kept ones (LOOK-M, arXiv:2406.18139).
  func merge() throws -> KVEvicted {
    try choice("merge", of: KVMerge.self).map { .merged($0) } ?? .forgotten
  }

  /// `kernel`: how many neighbours are pooled.
  func kernel() throws -> Int {
    try value("kernel", expected: "an odd whole number from 1 to 63") { text in
      Int(text).flatMap { (1...63).contains($0) && $0 % 2 == 1 ? $0 : nil }
    } ?? 5
  }

  /// Tokens that a head keeps whatever their score; beside `others`, they leave room in a budget of tokens.
  func tokens(
    _ key: String, atLeast least: Int = 0, default standard: Int, in budget: KVBudget,
    beside others: Int = 0
  ) throws -> Int {
    let given = try int(key, in: least...1 << 20)
    let count = given ?? standard
    guard case .tokens(let limit) = budget, count + others >= limit else { return count }
    throw given == nil
      ? invalid("budget", expected: "more than \(count + others) tokens, or a smaller \(key)")
      : invalid(key, expected: "fewer than \(limit - others) tokens, or a larger budget")
  }
}
