/// What becomes of the pieces that a splitting step finds, named as in `tokenizer.json`.
enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"
}

/// When a Metaspace step puts its character before a piece.
enum PrependScheme: String, Sendable {
  case always, first, never
}

/// Splits a text into the words that a model encodes one by one.
package struct PreTokenizer: Sendable {
  enum Step: Sendable {
    case split(PatternAutomaton, SplitBehavior, inverted: Bool)
    case splitLiteral([UInt8], SplitBehavior, inverted: Bool)
    /// Runs of digits in groups of three, counted from the right.
    case digitGroups(onlyAtWordEnd: Bool)
    case metaspace(replacement: [UInt8], PrependScheme, splits: Bool)
    case prefixSpace
    /// Writes bytes as characters of GPT-2's alphabet, for the steps that follow.
    case mapBytes
    case unmapBytes
    case fixedLength(Int)
  }

  let name: String
  let steps: [Step]
  /// Words reach the model as raw bytes, its pieces being written in GPT-2's alphabet.
  var isByteLevel = false

  static let none = PreTokenizer(name: "none", steps: [])

  func apply(_ text: [UInt8], _ range: Range<Int>, isFirst: Bool) -> Words {
    var words = Words(text: text, ranges: range.isEmpty ? [] : [range], isFirst: isFirst)
    for step in steps { words.apply(step) }
    return words
  }
}

/// A text and the words in it.
struct Words {
  private(set) var text: [UInt8]
  private(set) var ranges: [Range<Int>]
  /// Whether the first word stands at the beginning of the whole text.
  private var isFirst: Bool

  init(text: [UInt8], ranges: [Range<Int>], isFirst: Bool) {
    self.text = text
    self.ranges = ranges
    self.isFirst = isFirst
  }

  mutating func apply(_ step: PreTokenizer.Step) {
    switch step {
    case .split(let pattern, let behavior, let inverted):
      split(behavior, inverted: inverted) { text, word, found in
        pattern.forEachMatch(text, word) { found($0..<$1) }
      }
    case .splitLiteral(let literal, let behavior, let inverted):
      split(behavior, inverted: inverted) { text, word, found in
        ByteSearch.forEachMatch(of: literal, in: text, word, found)
      }
    case .digitGroups(let onlyAtWordEnd):
      split(.isolated, inverted: false) { text, word, found in
        DigitGroups.forEach(in: text, word, onlyAtWordEnd: onlyAtWordEnd, found)
      }
    case .metaspace(let replacement, let scheme, let splits):
      applyMetaspace(replacement, scheme)
      if splits {
        split(.mergedWithNext, inverted: false) { text, word, found in
          ByteSearch.forEachMatch(of: replacement, in: text, word, found)
        }
      }
    case .prefixSpace:
      rewrite { text, word, _, output in
        if text[word.lowerBound] != 0x20 { output.append(0x20) }
        output += text[word]
      }
    case .mapBytes:
      rewrite { text, word, _, output in ByteAlphabet.encode(text, word, into: &output) }
    case .unmapBytes:
      rewrite { text, word, _, output in output += ByteAlphabet.decode(text[word]) ?? [] }
    case .fixedLength(let length): cut(every: length)
    }
  }

  private mutating func split(
    _ behavior: SplitBehavior, inverted: Bool,
    _ find: (_ text: [UInt8], _ word: Range<Int>, _ found: (Range<Int>) -> Void) -> Void
  ) {
    var collector = SplitCollector(behavior, inverted: inverted)
    collector.reserve(text.count / 4)
    for word in ranges {
      collector.begin(word)
      find(text, word) { collector.add($0) }
      collector.finish()
    }
    ranges = collector.pieces
  }

  private mutating func applyMetaspace(_ replacement: [UInt8], _ scheme: PrependScheme) {
    let atStart = isFirst
    rewrite { text, word, index, output in
      let wanted = scheme == .always || scheme == .first && index == 0 && atStart
      let begins = text[word].starts(with: replacement) || text[word.lowerBound] == 0x20
      if wanted, !begins { output += replacement }
      for position in word {
        if text[position] == 0x20 { output += replacement } else { output.append(text[position]) }
      }
    }
  }

  private mutating func rewrite(
    _ body: (_ text: [UInt8], _ word: Range<Int>, _ index: Int, _ output: inout [UInt8]) -> Void
  ) {
    var output: [UInt8] = []
    output.reserveCapacity(text.count + text.count / 4)
    for index in ranges.indices {
      let start = output.count
      body(text, ranges[index], index, &output)
      ranges[index] = start..<output.count
    }
    text = output
  }

  private mutating func cut(every length: Int) {
    var pieces: [Range<Int>] = []
    for word in ranges {
      var start = word.lowerBound
      var count = 0
      var position = start
      while position < word.upperBound {
        position = min(position + UTF8Scan.length(text[position]), word.upperBound)
        count += 1
        if count == length {
          pieces.append(start..<position)
          start = position
          count = 0
        }
      }
      if start < word.upperBound { pieces.append(start..<word.upperBound) }
    }
    ranges = pieces
  }
}
