/// The marks that a model puts around its reasoning.
public struct ReasoningTags: Sendable, Equatable {
  public let opening: String
  public let closing: String

  /// Those of Qwen3, DeepSeek-R1 and most others.
  public static let standard = ReasoningTags(opening: "<think>", closing: "</think>")

  private static let known = [
    standard,
    ReasoningTags(opening: "[THINK]", closing: "[/THINK]"),
    ReasoningTags(opening: "<seed:think>", closing: "</seed:think>"),
    ReasoningTags(opening: "<|START_THINKING|>", closing: "<|END_THINKING|>"),
  ]

  /// The marks that a template writes or looks for; nil for a model that does not reason.
  public static func named(in template: String) -> ReasoningTags? {
    known.first { template.mentions($0.opening) || template.mentions($0.closing) }
  }

  /// Whether a prompt ends inside of reasoning, so that the answer begins with it.
  public func areOpen(at prompt: String) -> Bool {
    var end = prompt.utf8.endIndex
    while end > prompt.utf8.startIndex {
      let before = prompt.utf8.index(before: end)
      guard TextSearch.isSpace(prompt.utf8[before]) else { break }
      end = before
    }
    return prompt.utf8[..<end].reversed().starts(with: opening.utf8.reversed())
  }
}

/// Splits off the reasoning with which an answer may begin.
///
/// The tags and the white space around the reasoning are left out; reasoning that is not closed goes on to the end.
public struct ReasoningSplitter: Sendable {
  private enum State { case start, reasoning, between, content }

  private let opening: [UInt8]
  private let closing: [UInt8]
  private let isOpen: Bool
  private var state = State.start
  private var held: [UInt8] = []

  /// `isOpen` says that the prompt has opened the reasoning.
  public init(_ tags: ReasoningTags, isOpen: Bool) {
    opening = Array(tags.opening.utf8)
    closing = Array(tags.closing.utf8)
    self.isOpen = isOpen
  }

  mutating func append(_ text: String) -> [MessagePart] {
    if state == .content { return [.content(text)] }
    held += text.utf8
    var parts: [MessagePart] = []
    while let part = step() { if let part = part.nonEmpty { parts.append(part) } }
    return parts
  }

  mutating func finish() -> [MessagePart] {
    defer { held = [] }
    switch state {
    case .start where isOpen, .reasoning:
      while let last = held.last, TextSearch.isSpace(last) { held.removeLast() }
      return [MessagePart.reasoning(TextSearch.string(held))].compactMap(\.nonEmpty)
    case .between: return []
    case .start, .content:
      return [MessagePart.content(TextSearch.string(held))].compactMap(\.nonEmpty)
    }
  }

  /// The next part; nil when more text is needed.
  private mutating func step() -> MessagePart? {
    switch state {
    case .start: start()
    case .reasoning: reason()
    case .between:
      skipSpace() ? take(held.count, next: .content) : nil
    case .content: held.isEmpty ? nil : take(held.count, next: .content)
    }
  }

  private mutating func start() -> MessagePart? {
    let body = held.drop(while: TextSearch.isSpace)
    if isOpen || held.count - body.count <= TextSearch.longestSpace {
      if body.starts(with: opening) {
        held = Array(body.dropFirst(opening.count))
        state = .reasoning
        return .reasoning("")
      }
      if TextSearch.couldBegin([opening], body) {
        if isOpen { held = Array(body) }
        return nil
      }
    }
    if isOpen {
      held = Array(body)
      state = .reasoning
      return .reasoning("")
    }
    return take(held.count, next: .content)
  }

  private var hasReasoned = false

  private mutating func reason() -> MessagePart? {
    if !hasReasoned {
      guard skipSpace() else { return nil }
      hasReasoned = true
    }
    guard let found = TextSearch.first([closing], in: held) else {
      let count = held.count - TextSearch.undecided([closing], in: held)
      guard count > 0 else { return nil }
      return .reasoning(TextSearch.string(remove(count)))
    }
    var thought = remove(found.start)
    thought.removeLast(TextSearch.trailingSpace(thought[...]))
    held.removeFirst(closing.count)
    state = .between
    return .reasoning(TextSearch.string(thought))
  }

  /// Drops white space; false when nothing else has come.
  private mutating func skipSpace() -> Bool {
    held = Array(held.drop(while: TextSearch.isSpace))
    return !held.isEmpty
  }

  private mutating func take(_ count: Int, next: State) -> MessagePart {
    state = next
    return .content(TextSearch.string(remove(count)))
  }

  private mutating func remove(_ count: Int) -> [UInt8] {
    let bytes = Array(held.prefix(count))
    held.removeFirst(count)
    return bytes
  }
}

extension MessagePart {
  /// nil for a part without text.
  fileprivate var nonEmpty: MessagePart? {
    switch self {
    case .reasoning(""), .content(""): nil
    default: self
    }
  }
}
