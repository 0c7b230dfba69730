/// A key that requests may carry, and what it allows.
package struct APIKey: Sendable, Equatable {
  /// What the client sends.
  package let secret: [UInt8]
  /// What logs and the scheduler call whoever has the key; several keys may share one.
  package let name: String
  /// Tokens that one answer may have; nil means no limit of its own.
  package let maxTokens: Int?

  package init(secret: String, name: String, maxTokens: Int? = nil) {
    self.secret = Array(secret.utf8)
    self.name = name
    self.maxTokens = maxTokens
  }
}

extension APIKey {
  /// Longer than any header field may be.
  private static let maxLength = 8192

  /// The keys in a text of lines `KEY [name=NAME] [max_tokens=N]`; what begins with `#` is a comment.
  ///
  /// A key without a name is called `key-` and its number. Throws `APIKeyFileError`, which never holds a key.
  package static func parse(_ text: String, path: String) throws -> [APIKey] {
    var keys: [APIKey] = []
    var seen: [[UInt8]: Int] = [:]
    // A file written elsewhere may begin with a byte order mark.
    let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let secret = words.first, !secret.hasPrefix("#") else { continue }
      func malformed(_ reason: String) -> APIKeyFileError {
        .malformed(path: path, line: index + 1, reason: reason)
      }
      guard secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw malformed("a key consists of visible ASCII characters")
      }
      guard secret.utf8.count <= maxLength else {
        throw malformed("a key has at most \(maxLength) characters")
      }
      let fields = try attributes(words.dropFirst(), malformed)
      let key = APIKey(
        secret: String(secret), name: fields.name ?? "key-\(keys.count + 1)",
        maxTokens: fields.maxTokens)
      if let other = seen.updateValue(index + 1, forKey: key.secret) {
        throw malformed("the key stands in line \(other) already")
      }
      keys.append(key)
    }
    guard !keys.isEmpty else { throw APIKeyFileError.empty(path: path) }
    return keys
  }

  private static func attributes(
    _ words: ArraySlice<Substring>, _ malformed: (String) -> APIKeyFileError
  ) throws -> (name: String?, maxTokens: Int?) {
    var name: String?
    var maxTokens: Int?
    for word in words {
      // Not repeated in the error: it may be the rest of a key.
      guard let equals = word.firstIndex(of: "=") else {
        throw malformed("after the key come name=NAME and max_tokens=N only")
      }
      let value = word[word.index(after: equals)...]
      switch word[..<equals] {
      case "name":
        guard name == nil else { throw malformed("name is given twice") }
        guard !value.isEmpty, value.utf8.count <= 64, value.allSatisfy(isNameCharacter) else {
          throw malformed("a name has 1 to 64 letters, digits, '.', '_', '-' or '@'")
        }
        name = String(value)
      case "max_tokens":
        guard maxTokens == nil else { throw malformed("max_tokens is given twice") }
        guard let count = Int(value), (1...Int(Int32.max)).contains(count) else {
          throw malformed("max_tokens is a whole number of at least 1")
        }
        maxTokens = count
      default: throw malformed("after the key come name=NAME and max_tokens=N only")
      }
    }
    return (name, maxTokens)
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "._-@".contains(character))
  }
}

/// Why a file of keys cannot be used.
package enum APIKeyFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case malformed(path: String, line: Int, reason: String)
  /// It would leave the server open to everyone.
  case empty(path: String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
    case .malformed(let path, let line, let reason): "\(path), line \(line): \(reason)"
    case .empty(let path): "\(path), line 1: it holds no key; put one a line"
    }
  }
}
