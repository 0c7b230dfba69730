/// A pattern as instructions for a machine whose threads run in order of preference (Thompson 1968, Pike).
struct PatternProgram {
  enum Instruction {
    case consume(set: Int, next: Int)
    case split(first: Int, second: Int)
    case look(set: Int, orEnd: Bool, next: Int)
    case match
  }

  private static let sizeLimit = 20_000

  private(set) var instructions: [Instruction] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var start = 0
  private var setNumbers: [ScalarSet: Int] = [:]
  private let source: String

  init(_ source: String) throws {
    self.source = source
    let node = try PatternParser.parse(source)
    let match = try emit(.match)
    start = try compile(node, next: match)
  }

  private mutating func emit(_ instruction: Instruction) throws -> Int {
    guard instructions.count < Self.sizeLimit else {
      throw TokenizerError.pattern(source, problem: "compiles to too many instructions")
    }
    instructions.append(instruction)
    return instructions.count - 1
  }

  private mutating func number(_ set: ScalarSet) -> Int {
    if let number = setNumbers[set] { return number }
    sets.append(set)
    setNumbers[set] = sets.count - 1
    return sets.count - 1
  }

  /// Compiles backwards: the returned instruction leads to `next`.
  private mutating func compile(_ node: PatternNode, next: Int) throws -> Int {
    switch node {
    case .empty: return next
    case .set(let set): return try emit(.consume(set: number(set), next: next))
    case .look(let set, let orEnd):
      return try emit(.look(set: number(set), orEnd: orEnd, next: next))
    case .sequence(let items):
      return try items.reversed().reduce(next) { try compile($1, next: $0) }
    case .alternatives(let branches):
      var entries: [Int] = []
      for branch in branches { entries.append(try compile(branch, next: next)) }
      var entry = entries.removeLast()
      for other in entries.reversed() { entry = try emit(.split(first: other, second: entry)) }
      return entry
    case .repeated(let body, let minimum, let maximum, let greedy):
      return try compileRepeat(body, minimum, maximum, greedy, next)
    }
  }

  private mutating func compileRepeat(
    _ body: PatternNode, _ minimum: Int, _ maximum: Int?, _ greedy: Bool, _ next: Int
  ) throws -> Int {
    var entry = next
    if let maximum {
      for _ in minimum..<maximum {
        let inner = try compile(body, next: entry)
        entry = try emit(split(inner, next, greedy))
      }
    } else {
      let loop = try emit(.split(first: next, second: next))
      let inner = try compile(body, next: loop)
      instructions[loop] = split(inner, next, greedy)
      entry = loop
    }
    for _ in 0..<minimum { entry = try compile(body, next: entry) }
    return entry
  }

  private func split(_ inner: Int, _ next: Int, _ greedy: Bool) -> Instruction {
    greedy ? .split(first: inner, second: next) : .split(first: next, second: inner)
  }
}
