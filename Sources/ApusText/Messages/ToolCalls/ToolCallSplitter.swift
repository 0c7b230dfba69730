import ApusCore

/// Splits tool calls off a message, as its text comes.
///
/// A call is told once it is complete, because what turns out to be none is content. White space before and between
/// calls is left out.
public struct ToolCallSplitter: Sendable {
  private enum State { case text, block, afterCall }

  private let format: any ToolCallFormat
  private let tools: [ToolDefinition]
  private let allowsSeveral: Bool
  private let markers: [[UInt8]]
  private let separators: [[UInt8]]
  private var state = State.text
  private var isAtStart = true
  private var held: [UInt8] = []
  private var block: ToolCallBlock
  /// Bytes of `held` that the block has taken.
  private var taken = 0
  /// Bytes of `held` before the block.
  private var markerLength = 0
  /// A call that the prompt has begun.
  private var forced: Forced?
  private var isDone = false

  private struct Forced {
    let name: String
    /// Bytes before the arguments.
    let length: Int
  }

  /// - Parameters:
  ///   - allowsSeveral: if false, everything after the first call is dropped.
  ///   - forced: the function whose call the prompt has begun, with the format's `opening`.
  public init(
    _ format: any ToolCallFormat, tools: [ToolDefinition], allowsSeveral: Bool = true,
    forced: String? = nil
  ) {
    self.format = format
    self.tools = tools
    self.allowsSeveral = allowsSeveral
    markers = format.markers.map { Array($0.utf8) }
    separators = format.separators.map { Array($0.utf8) }
    block = format.block
    guard let forced else { return }
    let opening = format.opening(of: forced)
    _ = append(opening)
    let brace = opening.utf8.last == UInt8(ascii: "{") ? 1 : 0
    self.forced = Forced(name: forced, length: opening.utf8.count - brace)
  }

  mutating func append(_ text: String) -> [MessagePart] {
    if isDone { return [] }
    held += text.utf8
    var parts: [MessagePart] = []
    while !isDone, let more = step() { parts += more }
    return parts
  }

  mutating func finish() -> [MessagePart] {
    if isDone { return [] }
    defer { held = [] }
    if state == .block { return close(complete: false) }
    let isSpace = held.allSatisfy(TextSearch.isSpace)
    return held.isEmpty || (state == .afterCall && isSpace) ? [] : content(held.count)
  }

  /// The next parts; nil when more text is needed.
  private mutating func step() -> [MessagePart]? {
    switch state {
    case .text: scanText()
    case .block: scanBlock()
    case .afterCall: skipSeparators()
    }
  }

  private mutating func scanText() -> [MessagePart]? {
    guard !held.isEmpty else { return nil }
    if isAtStart, format.allowsBareObject {
      let space = held.prefix(while: TextSearch.isSpace).count
      if space == held.count, space <= TextSearch.longestSpace { return nil }
      if space < held.count, space <= TextSearch.longestSpace, held[space] == UInt8(ascii: "{") {
        begin(marker: space)
        return []
      }
    }
    isAtStart = false
    if let found = TextSearch.first(markers, in: held) {
      let end = found.start - TextSearch.trailingSpace(held[..<found.start])
      let parts = content(end)
      // The white space belongs to the marker: both are left out, or both stay.
      begin(marker: found.start - end + found.marker.count)
      return parts
    }
    let count = held.count - TextSearch.undecided(markers, in: held)
    return count > 0 ? content(count) : nil
  }

  private mutating func begin(marker: Int) {
    state = .block
    isAtStart = false
    block = format.block
    markerLength = marker
    taken = marker
  }

  private mutating func scanBlock() -> [MessagePart]? {
    while taken < held.count {
      let outcome = block.take(held[taken])
      taken += 1
      switch outcome {
      case .open: continue
      case .complete: return close(complete: true)
      case .broken:
        state = .text
        return content(max(markerLength, 1))
      }
    }
    return nil
  }

  /// Makes calls of the block, or content if it holds none.
  private mutating func close(complete: Bool) -> [MessagePart] {
    let bytes = Array(held[markerLength..<taken])
    var drafts = format.calls(in: TextSearch.string(bytes), tools: tools) ?? []
    let forced = self.forced
    self.forced = nil
    if drafts.isEmpty, let forced {
      return [torn(forced, complete: complete)]
    }
    guard !drafts.isEmpty else {
      state = .text
      return content(taken)
    }
    if !allowsSeveral { drafts.removeLast(drafts.count - 1) }
    finishBlock()
    return drafts.map {
      .toolCall(
        ToolCall(
          id: $0.id ?? format.makeID(), name: $0.name,
          arguments: JSONValue.object($0.arguments).text))
    }
  }

  /// A call that had to come, whatever its arguments look like: as in OpenAI's interface, they may be no valid JSON.
  private mutating func torn(_ forced: Forced, complete: Bool) -> MessagePart {
    var text = TextSearch.string(held[min(forced.length, taken)..<taken]).trimmed
    if complete, text.hasSuffix("}") || text.hasSuffix("]") { text.removeLast() }
    finishBlock()
    return .toolCall(ToolCall(id: format.makeID(), name: forced.name, arguments: text.trimmed))
  }

  private mutating func finishBlock() {
    held.removeFirst(taken)
    state = .afterCall
    isDone = !allowsSeveral
  }

  private mutating func skipSeparators() -> [MessagePart]? {
    held = Array(held.drop(while: TextSearch.isSpace))
    guard let first = held.first else { return nil }
    if let separator = separators.first(where: { held.starts(with: $0) }) {
      held.removeFirst(separator.count)
      return []
    }
    if let marker = markers.first(where: { held.starts(with: $0) }) {
      begin(marker: marker.count)
      return []
    }
    if format.allowsBareObject, first == UInt8(ascii: "{") {
      begin(marker: 0)
      return []
    }
    if TextSearch.couldBegin(markers + separators, held[...]) { return nil }
    state = .text
    return []
  }

  private mutating func content(_ count: Int) -> [MessagePart] {
    let text = TextSearch.string(held.prefix(count))
    held.removeFirst(count)
    return text.isEmpty ? [] : [.content(text)]
  }
}
