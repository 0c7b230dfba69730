import ApusCore

/// What a piece is, numbered alike in SentencePiece models and GGUF's `tokenizer.ggml.token_type`.
enum PieceKind: Int, Sendable {
  case undefined = 0
  case normal = 1
  case unknown = 2
  case control = 3
  case userDefined = 4
  case unused = 5
  case byte = 6
}

extension Collection where Element == PieceKind {
  /// The ids of the kinds for which the predicate holds.
  func ids(where predicate: (PieceKind) -> Bool) -> Set<TokenID> {
    Set(enumerated().filter { predicate($0.element) }.map { TokenID($0.offset) })
  }
}
