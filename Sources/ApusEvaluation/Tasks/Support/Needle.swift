import ApusCore

/// A sentence that gives a key a value: what most needle tasks look for.
struct Needle: Sendable {
  let key: String
  let value: String

  init(key: String, value: String) {
    self.key = key
    self.value = value
  }

  init(_ key: String, _ random: inout RandomSource) {
    self.init(key: key, value: random.digits(7))
  }

  var sentence: String { "The special magic number for \(key) is \(value)." }
  var question: String { "What is the special magic number for \(key)?" }

  /// So many needles with different keys.
  static func several(_ count: Int, _ random: inout RandomSource) -> [Needle] {
    random.distinct(count) { $0.key() }.map { Needle($0, &random) }
  }
}

/// The depths of a grid: cases take turns with them.
enum Depths {
  static let count = 11

  static func depth(_ number: Int) -> Double { Double(number % count) / Double(count - 1) }

  /// The place at a case's depth among `count` places.
  static func place(_ number: Int, of count: Int) -> Int {
    Int((depth(number) * Double(count - 1)).rounded())
  }
}
