/// Why a tokenizer could not be built, with the part of its file that is at fault.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
  /// A field that the format requires is absent.
  case missing(String)
  /// A field holds a value of the wrong type or out of range.
  case malformed(field: String, problem: String)
  /// A well-formed part that this library does not implement.
  case unsupported(kind: String, name: String)
  /// A regular expression that does not compile to a linear-time automaton.
  case pattern(String, problem: String)

  public var description: String {
    switch self {
    case .missing(let field): "tokenizer: '\(field)' is missing"
    case .malformed(let field, let problem): "tokenizer: '\(field)' \(problem)"
    case .unsupported(let kind, let name): "tokenizer: \(kind) '\(name)' is not supported"
    case .pattern(let pattern, let problem): "tokenizer: pattern '\(pattern)': \(problem)"
    }
  }
}
