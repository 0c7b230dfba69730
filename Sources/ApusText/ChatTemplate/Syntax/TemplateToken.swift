/// One token of a template with the line it stands on.
struct TemplateToken {
  enum Kind: Equatable {
    case data([UInt8])
    case blockBegin, blockEnd
    case variableBegin, variableEnd
    case name(String)
    case string([UInt8])
    case integer(Int)
    case number(Double)
    case symbol(TemplateSymbol)
    case end
  }

  let kind: Kind
  let line: Int

  var description: String {
    switch kind {
    case .data: "template data / text"
    case .blockBegin: "begin of statement block"
    case .blockEnd: "end of statement block"
    case .variableBegin: "begin of print statement"
    case .variableEnd: "end of print statement"
    case .name(let name): name
    case .string: "string"
    case .integer: "integer"
    case .number: "float"
    case .symbol(let symbol): symbol.rawValue
    case .end: "end of template"
    }
  }
}

/// The operators and brackets of expressions.
enum TemplateSymbol: String {
  case plus = "+"
  case minus = "-"
  case star = "*"
  case power = "**"
  case slash = "/"
  case floorSlash = "//"
  case percent = "%"
  case tilde = "~"
  case leftBracket = "["
  case rightBracket = "]"
  case leftParen = "("
  case rightParen = ")"
  case leftBrace = "{"
  case rightBrace = "}"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case assign = "="
  case dot = "."
  case colon = ":"
  case pipe = "|"
  case comma = ","
  case semicolon = ";"
}
