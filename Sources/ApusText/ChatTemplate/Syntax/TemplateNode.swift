/// A parsed template: its statements, and the names its variables have by number.
struct TemplateProgram: Sendable {
  let body: TemplateBlock
  let names: [String]
  /// By scope, the variables that start as undefined even where the context has them.
  let undefinedVariables: [[Int]]
}

/// Statements with variables of their own.
struct TemplateBlock: Sendable {
  /// The number of the scope within the template; 0 is the top level.
  let scope: Int
  let statements: [TemplateStatement]
}

struct TemplateStatement: Sendable {
  let line: Int
  let kind: Kind

  enum Kind: Sendable {
    case text([UInt8])
    case output([TemplateExpression])
    case choice(branches: [TemplateBranch], otherwise: [TemplateStatement])
    case loop(TemplateLoop)
    case assign(TemplateTarget, TemplateExpression)
    case assignBlock(TemplateTarget, filters: [TemplateFilterCall], body: TemplateBlock)
    case macro(variable: Int, TemplateMacro)
    case call(TemplateCallBlock)
    case filter([TemplateFilterCall], body: TemplateBlock)
    case with([(target: TemplateTarget, value: TemplateExpression)], body: TemplateBlock)
    case scope(TemplateBlock)
    case breakLoop
    case continueLoop
    /// A statement that fails when it is reached, as it would without other templates to load.
    case unsupported(String)
  }
}

struct TemplateBranch: Sendable {
  let condition: TemplateExpression
  let body: [TemplateStatement]
}

final class TemplateLoop: Sendable {
  let target: TemplateTarget
  let iterable: TemplateExpression
  let condition: TemplateExpression?
  let isRecursive: Bool
  /// The number of the name `loop`.
  let loopVariable: Int
  let body: TemplateBlock
  let otherwise: TemplateBlock?

  init(
    target: TemplateTarget, iterable: TemplateExpression, condition: TemplateExpression?,
    isRecursive: Bool, loopVariable: Int, body: TemplateBlock, otherwise: TemplateBlock?
  ) {
    self.target = target
    self.iterable = iterable
    self.condition = condition
    self.isRecursive = isRecursive
    self.loopVariable = loopVariable
    self.body = body
    self.otherwise = otherwise
  }
}

/// A macro, or the body of a call block (which has no name).
final class TemplateMacro: Sendable {
  struct Parameter: Sendable {
    let name: String
    let variable: Int
    let initial: TemplateExpression?
  }

  let name: String?
  let parameters: [Parameter]
  let body: TemplateBlock
  /// The numbers of the names `caller`, `kwargs` and `varargs`, where the body uses them.
  let caller: Int?
  let keywords: Int?
  let variadic: Int?

  init(
    name: String?, parameters: [Parameter], body: TemplateBlock, caller: Int?, keywords: Int?,
    variadic: Int?
  ) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.caller = caller
    self.keywords = keywords
    self.variadic = variadic
  }
}

struct TemplateCallBlock: Sendable {
  let function: TemplateExpression
  let arguments: TemplateArguments
  let caller: TemplateMacro
}

struct TemplateFilterCall: Sendable {
  let name: String
  let arguments: TemplateArguments
}

struct TemplateArguments: Sendable {
  var positional: [TemplateExpression] = []
  var keyword: [(name: String, value: TemplateExpression)] = []
  var unpackedPositional: TemplateExpression?
  var unpackedKeyword: TemplateExpression?
}

indirect enum TemplateTarget: Sendable {
  case variable(Int)
  case attribute(variable: Int, name: String)
  case tuple([TemplateTarget])
}

indirect enum TemplateExpression: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string([UInt8])
  case variable(Int)
  case tuple([TemplateExpression])
  case list([TemplateExpression])
  case dictionary([(key: TemplateExpression, value: TemplateExpression)])
  case postfix(TemplateExpression, [TemplatePostfix])
  /// Operators of one precedence, from the left.
  case arithmetic(
    TemplateExpression, [(operation: TemplateArithmetic, operand: TemplateExpression)])
  case concatenation([TemplateExpression])
  case comparison(
    TemplateExpression, [(operation: TemplateComparison, operand: TemplateExpression)])
  case conjunction([TemplateExpression])
  case disjunction([TemplateExpression])
  case not(TemplateExpression)
  case negative(TemplateExpression)
  case positive(TemplateExpression)
  case conditional(
    TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
}

enum TemplatePostfix: Sendable {
  case attribute(name: String, bytes: [UInt8])
  case item(TemplateExpression)
  case slice(start: TemplateExpression?, stop: TemplateExpression?, step: TemplateExpression?)
  case call(TemplateArguments)
  case filter(TemplateFilterCall)
  case test(TemplateFilterCall, negated: Bool)
}

enum TemplateArithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
}

enum TemplateComparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case contained = "in"
  case notContained = "not in"
}
