import ApusCore

/// One JSON object whose values may be keys of other pairs (needle threading, arXiv:2411.05000).
struct Pairs {
  private(set) var list: [(key: String, value: String)] = []
  /// The threads in it, from the first key to the last value.
  private(set) var threads: [[String]] = []

  static let follow = "Take each value as the next key and follow it until there is none."

  /// `count` pairs in random order; `hops` says how many pairs each thread has.
  init(_ count: Int, hops: [Int], _ random: inout RandomSource) {
    let inThreads = hops.reduce(0, +)
    let single = max(0, count - inThreads)
    var ids = random.distinct(inThreads + hops.count + 2 * single) { $0.hex() }[...]
    for hop in hops {
      let thread = Array(ids.prefix(hop + 1))
      ids.removeFirst(hop + 1)
      threads.append(thread)
      list += zip(thread, thread.dropFirst()).map { ($0, $1) }
    }
    for _ in 0..<single {
      list.append((ids.removeFirst(), ids.removeFirst()))
    }
    list = random.shuffled(list)
  }

  var json: String {
    "{\n" + list.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ",\n") + "\n}"
  }

  /// One for the last id of a thread; the part of it that was followed rightly is a detail.
  static func score(_ answer: String, thread: [String]) -> TaskScore {
    let steps = answer.steps
    let right = zip(steps, thread).prefix { $0 == $1 }.count
    return TaskScore(
      steps.last == thread.last,
      details: ["hops": Double(max(0, right - 1)) / Double(max(1, thread.count - 1))])
  }
}

/// How many hops threads have and how many others there are to mislead.
struct ThreadOptions: Sendable {
  private let hops: Int?
  private static let usual = 2...8
  private static let mostOthers = 8

  /// Reads the option `hops`; without it, from 2 to 8 by chance, in short documents fewer.
  init(_ options: PluginOptions) throws { hops = try options.int("hops", in: 1...1000) }

  func leastSize(threads: Int) -> Int { (hops ?? Self.usual.lowerBound) * threads + 2 }

  /// The hops of the threads asked for and, among many pairs, of some more.
  func draw(threads: Int, size: Int, _ random: inout RandomSource) -> [Int] {
    let longest =
      hops ?? min(max(size / (4 * threads), Self.usual.lowerBound), Self.usual.upperBound)
    let others = min(Self.mostOthers, max(0, size - threads * longest) / (3 * longest))
    return (0..<threads + others).map { _ in
      hops ?? random.number(in: Self.usual.lowerBound...longest)
    }
  }
}
