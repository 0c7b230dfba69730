/// Why a chat template could not be parsed or rendered.
public enum ChatTemplateError: Error, Equatable, CustomStringConvertible {
  /// The source is not a template.
  case syntax(line: Int, message: String)
  /// The template did something that its values do not allow.
  case runtime(line: Int, message: String)
  /// The template itself refused its input by calling `raise_exception`.
  case raised(message: String)
  /// The template wanted more time, memory or depth than a render is given.
  case limit(line: Int, message: String)

  /// One line of text, whatever the message holds.
  public var description: String {
    switch self {
    case .syntax(let line, let message):
      "chat template, line \(line): syntax error: \(Self.oneLine(message))"
    case .runtime(let line, let message): "chat template, line \(line): \(Self.oneLine(message))"
    case .raised(let message): "chat template: \(Self.oneLine(message))"
    case .limit(let line, let message):
      "chat template, line \(line): limit exceeded: \(Self.oneLine(message))"
    }
  }

  private static func oneLine(_ message: String) -> String {
    var text = ""
    for scalar in message.unicodeScalars.prefix(500) {
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      default: text.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
      }
    }
    return text
  }
}

/// A failure inside a render, before the line is known.
enum TemplateFault: Error {
  case runtime(String)
  case raised(String)
  case limit(String)

  func located(at line: Int) -> ChatTemplateError {
    switch self {
    case .runtime(let message): .runtime(line: line, message: message)
    case .raised(let message): .raised(message: message)
    case .limit(let message): .limit(line: line, message: message)
    }
  }
}
