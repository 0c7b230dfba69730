/// Finds the end of a tool call's text, byte by byte.
public struct ToolCallBlock: Sendable {
  public enum Shape: Sendable {
    /// An object or array in JSON.
    case json
    /// The same, or a name and then an object.
    case namedJSON
    /// Everything up to and with a text.
    case until(String)
  }

  public enum State: Sendable {
    case open
    /// This was the last byte.
    case complete
    /// It cannot be a call.
    case broken
  }

  private let shape: Shape
  private let closing: [UInt8]
  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  /// Bytes before the JSON.
  private var leading = 0
  /// The last bytes, as many as the closing text has.
  private var tail: [UInt8] = []

  /// Bytes that a name may have.
  private static let nameLimit = 256

  public init(_ shape: Shape) {
    self.shape = shape
    if case .until(let text) = shape { closing = Array(text.utf8) } else { closing = [] }
  }

  public mutating func take(_ byte: UInt8) -> State {
    switch shape {
    case .until: takeTail(byte)
    case .json: depth > 0 ? takeJSON(byte) : takeFirst(byte, allowsName: false)
    case .namedJSON: depth > 0 ? takeJSON(byte) : takeFirst(byte, allowsName: true)
    }
  }

  private mutating func takeTail(_ byte: UInt8) -> State {
    tail.append(byte)
    if tail.count > closing.count { tail.removeFirst() }
    return tail == closing ? .complete : .open
  }

  private mutating func takeFirst(_ byte: UInt8, allowsName: Bool) -> State {
    switch byte {
    case UInt8(ascii: "{"): return takeJSON(byte)
    // Inside of a name, brackets belong to its marks.
    case UInt8(ascii: "[") where leading == 0: return takeJSON(byte)
    case _ where TextSearch.isSpace(byte): return .open
    default:
      leading += 1
      return allowsName && leading <= Self.nameLimit ? .open : .broken
    }
  }

  private mutating func takeJSON(_ byte: UInt8) -> State {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      return .open
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
    default: break
    }
    return depth == 0 ? .complete : .open
  }
}
