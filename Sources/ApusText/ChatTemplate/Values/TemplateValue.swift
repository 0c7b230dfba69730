/// A value of a template, with the types and the meanings that Python gives them.
enum TemplateValue {
  case undefined(TemplateUndefined)
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(TemplateText)
  case list(TemplateList)
  case tuple(TemplateList)
  case dictionary(TemplateDictionary)
  case view(TemplateView)
  case range(TemplateRange)
  case iterator(TemplateIterator)
  case namespace(TemplateNamespace)
  case loop(TemplateLoopContext)
  case function(TemplateFunction)

  static func text(_ string: String) -> TemplateValue { .string(TemplateText(string)) }
  static func text(_ bytes: [UInt8]) -> TemplateValue { .string(TemplateText(bytes)) }

  /// How deep containers nest in the value.
  var depth: Int {
    switch self {
    case .list(let list), .tuple(let list): list.depth
    case .dictionary(let dictionary): dictionary.depth
    case .view(let view): view.dictionary.depth
    case .iterator(let iterator): iterator.depth
    case .loop(let loop): loop.depth
    case .function(let function): function.depth
    default: 0
    }
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .number(let value): value != 0
    case .string(let text): !text.isEmpty
    case .list(let list), .tuple(let list): !list.elements.isEmpty
    case .dictionary(let dictionary): dictionary.count > 0
    case .view(let view): view.dictionary.count > 0
    case .range(let range): range.count > 0
    case .loop(let loop): !loop.elements.isEmpty
    case .iterator, .namespace, .function: true
    }
  }

  /// The name Python gives the type.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .number: "float"
    case .string(let text): text.isMarkup ? "Markup" : "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dictionary: "dict"
    case .view(let view): view.kind.rawValue
    case .range: "range"
    case .iterator: "generator"
    case .namespace: "TemplateNamespace"
    case .loop: "LoopContext"
    case .function(let function): function.typeName
    }
  }

  /// How jinja2 names an object in messages about what it lacks.
  var objectName: String {
    switch self {
    case .none: "None"
    case .undefined: "jinja2.runtime.Undefined object"
    case .string(let text) where text.isMarkup: "markupsafe.Markup object"
    case .namespace: "transformers.utils.chat_template_utils.TemplateNamespace object"
    case .loop: "jinja2.runtime.LoopContext object"
    case .function(let function) where function.typeName == "Macro": "jinja2.runtime.Macro object"
    default: "\(typeName) object"
    }
  }

  /// The value as an integer where Python takes one: integers and booleans.
  var index: Int? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }
}

/// What stands for a missing value: prints as nothing, and refuses nearly everything else.
final class TemplateUndefined {
  let message: String

  init(_ message: String) {
    self.message = message
  }

  static func variable(_ name: String) -> TemplateValue {
    .undefined(TemplateUndefined("'\(name)' is undefined"))
  }

  var fault: TemplateFault { .runtime(message) }
}
