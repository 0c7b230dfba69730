extension PatternAutomaton {
  /// Calls `body` for every non-empty match in a range of a UTF-8 text, from left to right.
  ///
  /// Linear: where an attempt reads far past its match, the states it went through are remembered, and a later
  /// attempt that comes to the same state at the same place takes over the outcome.
  package func forEachMatch(
    _ text: [UInt8], _ range: Range<Int>, _ body: (_ start: Int, _ end: Int) -> Void
  ) {
    var memory = ScanMemory()
    scan(text, range, &memory, body)
  }

  /// How many scalars the automaton looks at, those it looks at again included.
  package func countSteps(_ text: [UInt8]) -> Int {
    var memory = ScanMemory()
    scan(text, 0..<text.count, &memory) { _, _ in }
    return memory.steps
  }

  @inline(__always)
  private func scan(
    _ text: [UInt8], _ range: Range<Int>, _ memory: inout ScanMemory,
    _ body: (_ start: Int, _ end: Int) -> Void
  ) {
    var position = range.lowerBound
    while position < range.upperBound {
      let end = match(text, position, range.upperBound, &memory)
      if end > position {
        body(position, end)
        position = end
      } else {
        position += UTF8Scan.length(text[position])
      }
    }
  }

  /// The end of the match that begins at a position; the position itself where there is none.
  private func match(
    _ text: [UInt8], _ start: Int, _ end: Int, _ memory: inout ScanMemory
  ) -> Int {
    let width = classes.count + 1
    var state = Self.start
    var position = start
    var matched = start
    if start < memory.end { return rematch(text, start, end, &memory) }
    while true {
      var scalarClass = width - 1
      var length = 0
      if position < end {
        let byte = text[position]
        if byte < 0x80 {
          scalarClass = classes.ofASCII(byte)
          length = 1
        } else {
          let (scalar, scalarLength) = UTF8Scan.scalar(text, position, end)
          scalarClass = classes.of(scalar)
          length = scalarLength
        }
      }
      let transition = transitions[state * width + scalarClass]
      if transition & 1 != 0 { matched = position }
      state = Int(transition >> 1)
      if state == Self.dead || length == 0 { break }
      position += length
    }
    memory.steps += position - start + 1
    if position - matched > ScanMemory.threshold {
      return rematch(text, start, end, &memory)
    }
    return matched
  }

  /// As `match`, but reads and writes the memory.
  private func rematch(
    _ text: [UInt8], _ start: Int, _ end: Int, _ memory: inout ScanMemory
  ) -> Int {
    let width = classes.count + 1
    var state = Self.start
    var position = start
    var matched = start
    var path: [(position: Int, state: Int)] = []
    while true {
      if memory.state(at: position) == state {
        if memory.matched >= position, memory.hasMatch { matched = memory.matched }
        memory.splice(path, matched: matched, hasMatch: matched > start)
        return matched
      }
      path.append((position, state))
      memory.steps += 1
      var scalarClass = width - 1
      var length = 0
      if position < end {
        let (scalar, scalarLength) = UTF8Scan.scalar(text, position, end)
        scalarClass = classes.of(scalar)
        length = scalarLength
      }
      let transition = transitions[state * width + scalarClass]
      if transition & 1 != 0 { matched = position }
      state = Int(transition >> 1)
      if state == Self.dead || length == 0 { break }
      position += length
    }
    if position - matched > ScanMemory.threshold {
      memory.record(path, start: start, end: position, matched: matched, hasMatch: matched > start)
    }
    return matched
  }
}

/// What the last attempt that read far ahead did: its state at each position, and where it matched.
private struct ScanMemory {
  static let threshold = 64

  private var start = 0
  private var states: [UInt16] = []
  private(set) var matched = 0
  private(set) var hasMatch = false
  var steps = 0

  var end: Int { start + states.count }

  @inline(__always)
  func state(at position: Int) -> Int {
    position >= start && position < end ? Int(states[position - start]) : -1
  }

  mutating func record(
    _ path: [(position: Int, state: Int)], start: Int, end: Int, matched: Int, hasMatch: Bool
  ) {
    self.start = start
    states = Array(repeating: 0, count: end + 1 - start)
    for step in path { states[step.position - start] = UInt16(step.state) }
    self.matched = matched
    self.hasMatch = hasMatch
  }

  /// Replaces the beginning of what is remembered by another attempt that joined it.
  mutating func splice(_ path: [(position: Int, state: Int)], matched: Int, hasMatch: Bool) {
    for step in path { states[step.position - start] = UInt16(step.state) }
    self.matched = matched
    self.hasMatch = hasMatch
  }
}
