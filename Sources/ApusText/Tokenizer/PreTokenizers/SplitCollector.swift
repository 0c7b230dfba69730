/// Turns the matches inside a word into pieces, as a split behaviour wants it.
struct SplitCollector {
  private(set) var pieces: [Range<Int>] = []
  private let behavior: SplitBehavior
  private let inverted: Bool
  private var word = 0..<0
  private var done = 0
  private var firstPiece = 0
  private var lastWasMatch = false

  init(_ behavior: SplitBehavior, inverted: Bool) {
    self.behavior = behavior
    self.inverted = inverted
  }

  mutating func reserve(_ count: Int) { pieces.reserveCapacity(count) }

  mutating func begin(_ word: Range<Int>) {
    self.word = word
    done = word.lowerBound
    firstPiece = pieces.count
    lastWasMatch = false
  }

  mutating func add(_ match: Range<Int>) {
    if done < match.lowerBound { place(done..<match.lowerBound, isMatch: inverted) }
    place(match, isMatch: !inverted)
    done = match.upperBound
  }

  mutating func finish() {
    if done < word.upperBound { place(done..<word.upperBound, isMatch: inverted) }
  }

  private mutating func place(_ piece: Range<Int>, isMatch: Bool) {
    let isFirstOfWord = pieces.count == firstPiece
    switch behavior {
    case .isolated: pieces.append(piece)
    case .removed: if !isMatch { pieces.append(piece) }
    case .contiguous:
      if !isFirstOfWord, isMatch == lastWasMatch { extend(piece) } else { pieces.append(piece) }
    case .mergedWithPrevious:
      if isMatch, !isFirstOfWord, !lastWasMatch { extend(piece) } else { pieces.append(piece) }
    case .mergedWithNext:
      if !isMatch, !isFirstOfWord, lastWasMatch { extend(piece) } else { pieces.append(piece) }
    }
    lastWasMatch = isMatch
  }

  private mutating func extend(_ piece: Range<Int>) {
    pieces[pieces.count - 1] = pieces[pieces.count - 1].lowerBound..<piece.upperBound
  }
}

/// Finds a byte string in a text.
enum ByteSearch {
  static func forEachMatch(
    of literal: [UInt8], in text: [UInt8], _ range: Range<Int>, _ found: (Range<Int>) -> Void
  ) {
    guard let first = literal.first else { return }
    var position = range.lowerBound
    while position + literal.count <= range.upperBound {
      var length = 0
      if text[position] == first {
        length = 1
        while length < literal.count, text[position + length] == literal[length] { length += 1 }
      }
      if length == literal.count {
        found(position..<position + length)
        position += length
      } else {
        position += 1
      }
    }
  }

  static func replace(_ literal: [UInt8], with content: [UInt8], in text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count + text.count / 8)
    var done = 0
    forEachMatch(of: literal, in: text, 0..<text.count) { match in
      output += text[done..<match.lowerBound]
      output += content
      done = match.upperBound
    }
    output += text[done...]
    return output
  }
}

/// `(?=(\d{3})+(?!\d))` and `\d{1,3}(?=(?:\d{3})*\b)`: groups of three digits, counted from the right.
package enum DigitGroups {
  package static func forEach(
    in text: [UInt8], _ word: Range<Int>, onlyAtWordEnd: Bool, _ found: (Range<Int>) -> Void
  ) {
    var ends: [Int] = []
    var position = word.lowerBound
    while position < word.upperBound {
      ends.removeAll(keepingCapacity: true)
      let start = position
      var next: UInt32?
      while position < word.upperBound {
        let (scalar, length) = UTF8Scan.scalar(text, position, word.upperBound)
        guard ScalarProperties.digits.contains(scalar) else {
          next = scalar
          break
        }
        position += length
        ends.append(position)
      }
      if ends.isEmpty {
        position += UTF8Scan.length(text[position])
        continue
      }
      if onlyAtWordEnd, let next, ScalarProperties.word.contains(next) { continue }
      var begin = start
      for (index, end) in ends.enumerated() where (ends.count - index - 1) % 3 == 0 {
        found(begin..<end)
        begin = end
      }
    }
  }
}
