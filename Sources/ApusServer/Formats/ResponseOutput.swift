import ApusCore
import ApusText

/// Makes the items of a response, and the events that tell them, from the parts of a message.
struct ResponseOutput: Sendable {
  /// What an item of text is called, and its parts and events.
  private enum Kind: String {
    case message = "output_text"
    case reasoning = "reasoning_text"
  }

  private struct Open {
    let kind: Kind
    let id: String
    var text = ""
  }

  private(set) var items: [JSONValue] = []
  /// All that the model thought.
  private(set) var reasoning = ""
  private var open: Open?

  mutating func add(_ part: MessagePart) -> [JSONObject] {
    switch part {
    case .content(let text): return add(text, .message)
    case .reasoning(let text):
      reasoning += text
      return add(text, .reasoning)
    case .toolCall(let call): return close("completed") + add(call)
    }
  }

  private mutating func add(_ text: String, _ kind: Kind) -> [JSONObject] {
    var events: [JSONObject] = []
    if open?.kind != kind {
      events = close("completed")
      let item = Open(kind: kind, id: (kind == .message ? "msg_" : "rs_") + RequestID.make())
      open = item
      events.append(event("output_item.added", [("item", Self.json(item, "in_progress"))]))
      events.append(event("content_part.added", place(item) + [("part", Self.part(item))]))
    }
    guard var item = open else { return events }
    item.text += text
    open = item
    var fields = place(item) + [("delta", .string(text))]
    if kind == .message { fields.append(("logprobs", [])) }
    return events + [event("\(kind.rawValue).delta", fields)]
  }

  /// Ends the item that is open.
  mutating func close(_ status: String) -> [JSONObject] {
    guard let item = open else { return [] }
    open = nil
    var done = place(item) + [("text", .string(item.text))]
    if item.kind == .message { done.append(("logprobs", [])) }
    let json = Self.json(item, status)
    let events = [
      event("\(item.kind.rawValue).done", done),
      event("content_part.done", place(item) + [("part", Self.part(item))]),
      event("output_item.done", [("item", json)]),
    ]
    items.append(json)
    return events
  }

  private mutating func add(_ call: ToolCall) -> [JSONObject] {
    let id = "fc_" + RequestID.make()
    func item(_ arguments: String, _ status: String) -> JSONValue {
      [
        "id": .string(id), "type": "function_call", "status": .string(status),
        "call_id": .string(call.id), "name": .string(call.name), "arguments": .string(arguments),
      ]
    }
    let name: (key: String, value: JSONValue) = ("item_id", .string(id))
    let arguments = JSONValue.string(call.arguments)
    let events = [
      event("output_item.added", [("item", item("", "in_progress"))]),
      event("function_call_arguments.delta", [name, ("delta", arguments)]),
      event(
        "function_call_arguments.done",
        [name, ("name", .string(call.name)), ("arguments", arguments)]),
      event("output_item.done", [("item", item(call.arguments, "completed"))]),
    ]
    items.append(item(call.arguments, "completed"))
    return events
  }

  private func event(_ type: String, _ fields: [(key: String, value: JSONValue)]) -> JSONObject {
    JSONObject(
      [("type", .string("response." + type)), ("output_index", .integer(Int64(items.count)))]
        + fields)
  }

  private func place(_ item: Open) -> [(key: String, value: JSONValue)] {
    [("item_id", .string(item.id)), ("content_index", 0)]
  }

  private static func part(_ item: Open) -> JSONValue {
    var part = JSONObject([
      ("type", .string(item.kind.rawValue)), ("text", .string(item.text)),
    ])
    if item.kind == .message {
      part["annotations"] = []
      part["logprobs"] = []
    }
    return .object(part)
  }

  private static func json(_ item: Open, _ status: String) -> JSONValue {
    let parts: JSONValue = status == "in_progress" ? [] : [part(item)]
    switch item.kind {
    case .message:
      return [
        "id": .string(item.id), "type": "message", "status": .string(status),
        "role": "assistant", "content": parts,
      ]
    case .reasoning:
      return [
        "id": .string(item.id), "type": "reasoning", "status": .string(status), "summary": [],
        "content": parts,
      ]
    }
  }
}
