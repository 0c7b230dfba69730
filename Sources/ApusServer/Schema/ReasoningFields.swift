import ApusCore
import ApusText

/// What becomes of a model's reasoning, under llama-server's names.
public enum ReasoningFormat: String, Sendable, CaseIterable {
  /// It stays in the content, with its tags.
  case none
  /// It is told apart by `<think>` tags, or others if the template names others.
  case deepseek
  /// It is told apart if the template names the tags.
  case auto

  /// The tags by which it is told apart.
  func tags(in template: String) -> ReasoningTags? {
    switch self {
    case .none: nil
    case .auto: ReasoningTags.named(in: template)
    case .deepseek: ReasoningTags.named(in: template) ?? .standard
    }
  }
}

/// What a request says about how much the model thinks.
enum ReasoningWish: Sendable, Equatable {
  /// OpenAI's `reasoning_effort`.
  case effort(String, field: String)
  /// Anthropic's `thinking`; one that is not said is off where that is possible.
  case thinking(Bool, isSaid: Bool)

  private static let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

  static func effort(_ fields: FieldReader, _ name: String) throws -> ReasoningWish? {
    guard let effort = try fields.string(name) else { return nil }
    guard efforts.contains(effort) else {
      throw fields.invalid(name, "must be one of \(efforts.joined(separator: ", "))")
    }
    return .effort(effort, field: fields.path(name))
  }

  /// The variables that tell a template; throws if it cannot be told.
  func arguments(_ template: String) throws -> JSONObject {
    let hasSwitch = template.mentions("enable_thinking")
    let reasons = hasSwitch || ReasoningTags.named(in: template) != nil
    var arguments = JSONObject()
    switch self {
    case .effort(let effort, let field):
      if template.mentions("reasoning_effort") {
        arguments["reasoning_effort"] = .string(effort)
      } else if hasSwitch {
        arguments["enable_thinking"] = .bool(effort != "none")
      } else if effort != "medium", effort != "none" || reasons {
        throw RequestError.unsupported(
          parameter: field, "'\(field)' '\(effort)' is not supported by this model's chat template")
      }
    case .thinking(let isOn, let isSaid):
      if hasSwitch {
        arguments["enable_thinking"] = .bool(isOn)
      } else if isSaid, isOn != reasons {
        throw RequestError.unsupported(
          parameter: "thinking",
          "'thinking' cannot be turned \(isOn ? "on" : "off") with this model's chat template")
      }
    }
    return arguments
  }
}
