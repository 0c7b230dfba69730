/// The fence of a code block, and whether the current line is the one that closes it.
struct MarkdownFence {
  let scalar: Unicode.Scalar
  let length: Int
  private var line = Line.indentation

  private enum Line {
    case indentation
    case fence(Int)
    case spaceBehindFence
    case content
  }

  init(scalar: Unicode.Scalar, length: Int) {
    self.scalar = scalar
    self.length = length
  }

  /// The same block at the start of the next line.
  var nextLine: MarkdownFence { MarkdownFence(scalar: scalar, length: length) }

  /// Whether the line so far is a fence of at least the length of the first and nothing else.
  var isClosed: Bool {
    switch line {
    case .fence(let count): count >= length
    case .spaceBehindFence: true
    case .indentation, .content: false
    }
  }

  mutating func take(_ scalar: Unicode.Scalar) {
    let isSpace = scalar.properties.isWhitespace
    switch line {
    case .indentation where scalar == self.scalar: line = .fence(1)
    case .indentation where isSpace: break
    case .fence(let count) where scalar == self.scalar: line = .fence(count + 1)
    case .fence where isSpace && isClosed, .spaceBehindFence where isSpace: line = .spaceBehindFence
    default: line = .content
    }
  }
}
