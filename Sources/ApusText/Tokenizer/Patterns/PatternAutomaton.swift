/// A pattern as a deterministic automaton with the leftmost, first-alternative matches of a backtracking engine.
///
/// A state is an ordered list of threads. Whether a thread has matched before some scalar may depend on that scalar
/// (look-ahead), so matches are marks on transitions; the end of the text is one more class of scalar.
package struct PatternAutomaton: Sendable {
  private static let stateLimit = 8192

  let source: String
  let classes: ScalarClasses
  /// Next state times two, plus one where the threads have matched before this class of scalar.
  private(set) var transitions: [UInt32] = []
  static let dead = 0
  static let start = 1

  package init(_ source: String) throws {
    self.source = source
    let program = try PatternProgram(source)
    guard let classes = ScalarClasses(program.sets) else {
      throw TokenizerError.pattern(source, problem: "distinguishes too many kinds of character")
    }
    self.classes = classes
    var builder = Builder(program: program, classes: classes)
    transitions = try builder.build(limit: Self.stateLimit, source)
  }

  /// The transition of a state on a class; `classes.count` stands for the end of the text.
  @inline(__always)
  func transition(_ state: Int, _ scalarClass: Int) -> UInt32 {
    transitions[state * (classes.count + 1) + scalarClass]
  }
}

extension PatternAutomaton {
  private struct Builder {
    let program: PatternProgram
    let classes: ScalarClasses
    var numbers: [[Int32]: Int] = [:]
    var states: [[Int32]] = []
    var mark: [Int] = []
    var generation = 0
    private var work = 0
    /// A pattern from a file must not take minutes to compile.
    private static let workLimit = 20_000_000

    init(program: PatternProgram, classes: ScalarClasses) {
      self.program = program
      self.classes = classes
      mark = Array(repeating: 0, count: program.instructions.count)
    }

    mutating func build(limit: Int, _ source: String) throws -> [UInt32] {
      _ = number([])
      _ = number([Int32(program.start)])
      var transitions: [UInt32] = []
      var state = 0
      while state < states.count {
        guard states.count <= limit, work <= Self.workLimit else {
          throw TokenizerError.pattern(source, problem: "compiles to too many states")
        }
        for scalarClass in 0...classes.count {
          let (threads, matched) = step(states[state], scalarClass)
          transitions.append(UInt32(number(threads)) << 1 | (matched ? 1 : 0))
        }
        state += 1
      }
      return transitions
    }

    private mutating func number(_ threads: [Int32]) -> Int {
      if let number = numbers[threads] { return number }
      numbers[threads] = states.count
      states.append(threads)
      return states.count - 1
    }

    /// Follows the threads through splits and looks, then over one scalar of the class.
    private mutating func step(_ threads: [Int32], _ scalarClass: Int) -> ([Int32], Bool) {
      generation += 1
      var next: [Int32] = []
      var seen: Set<Int32> = []
      for thread in threads {
        var stack = [Int(thread)]
        while let instruction = stack.popLast() {
          work += 1
          if mark[instruction] == generation { continue }
          mark[instruction] = generation
          switch program.instructions[instruction] {
          case .match: return (next, true)
          case .split(let first, let second):
            stack.append(second)
            stack.append(first)
          case .look(let set, let orEnd, let target):
            if contains(set, scalarClass, orEnd: orEnd) { stack.append(target) }
          case .consume(let set, let target):
            if contains(set, scalarClass, orEnd: false), seen.insert(Int32(target)).inserted {
              next.append(Int32(target))
            }
          }
        }
      }
      return (next, false)
    }

    private func contains(_ set: Int, _ scalarClass: Int, orEnd: Bool) -> Bool {
      scalarClass == classes.count ? orEnd : classes.members[set][scalarClass]
    }
  }
}
