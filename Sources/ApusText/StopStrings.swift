/// Cuts a streamed text before the first stop string, holding back what may be the beginning of one.
///
/// Matching is byte for byte; the stop string that is complete first wins, the longer one where two end together. How
/// the text is cut into pieces makes no difference (Aho and Corasick 1975).
public struct StopStrings: Sendable {
  private let automaton: StopAutomaton
  private var state = 0
  private var held: [UInt8] = []
  private var stopped = false
  /// The stop string that was met.
  public private(set) var matched: String?

  /// Empty strings never match.
  public init(_ stops: [String]) {
    automaton = StopAutomaton(stops.map { Array($0.utf8) }.filter { !$0.isEmpty })
  }

  /// Takes the next piece of text; returns what may be shown, and whether a stop string has been met.
  ///
  /// After a stop the rest of the text is dropped, and so is everything that follows.
  public mutating func append(_ text: String) -> (text: String, stopped: Bool) {
    if stopped { return ("", true) }
    if automaton.isEmpty { return (text, false) }
    held += text.utf8
    let added = text.utf8.count
    for index in held.count - added..<held.count {
      state = automaton.next(state, held[index])
      let longest = automaton.longestMatch(state)
      if longest > 0 {
        stopped = true
        matched = String(decoding: held[(index + 1 - longest)...index], as: UTF8.self)
        let shown = String(decoding: held[..<(index + 1 - longest)], as: UTF8.self)
        held = []
        return (shown, true)
      }
    }
    return (release(keeping: automaton.depth(state)), false)
  }

  /// The text held back at the end of the stream.
  public mutating func finish() -> String {
    let rest = stopped ? "" : String(decoding: held, as: UTF8.self)
    held = []
    state = 0
    return rest
  }

  private mutating func release(keeping count: Int) -> String {
    var cut = held.count - count
    // A stop string begins at the beginning of a character, so a cut inside one cannot lead to a match.
    while cut > 0, cut < held.count, held[cut] & 0xC0 == 0x80 { cut -= 1 }
    let text = String(decoding: held[..<cut], as: UTF8.self)
    held.removeFirst(cut)
    return text
  }
}

/// The Aho–Corasick automaton of the stop strings.
private struct StopAutomaton: Sendable {
  private var children: [[UInt8: Int]] = [[:]]
  private var failures: [Int] = [0]
  private var depths: [Int] = [0]
  private var matches: [Int] = [0]

  var isEmpty: Bool { children.count == 1 }

  init(_ patterns: [[UInt8]]) {
    for pattern in patterns { insert(pattern) }
    var queue = Array(children[0].values)
    var head = 0
    while head < queue.count {
      let node = queue[head]
      head += 1
      for (byte, child) in children[node] {
        failures[child] = next(failures[node], byte)
        matches[child] = max(matches[child], matches[failures[child]])
        queue.append(child)
      }
    }
  }

  private mutating func insert(_ pattern: [UInt8]) {
    var node = 0
    for byte in pattern {
      if let child = children[node][byte] {
        node = child
      } else {
        children[node][byte] = children.count
        depths.append(depths[node] + 1)
        node = children.count
        children.append([:])
        failures.append(0)
        matches.append(0)
      }
    }
    matches[node] = pattern.count
  }

  func next(_ state: Int, _ byte: UInt8) -> Int {
    var state = state
    while true {
      if let child = children[state][byte] { return child }
      if state == 0 { return 0 }
      state = failures[state]
    }
  }

  func depth(_ state: Int) -> Int { depths[state] }
  func longestMatch(_ state: Int) -> Int { matches[state] }
}
