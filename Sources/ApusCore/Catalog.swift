/// A plug-in written on the command line: `name` or `name:key=value,key=value`.
public struct PluginSpecification: Sendable, Equatable, CustomStringConvertible {
  public let name: String
  public let options: [(key: String, value: String)]

  public init(parsing text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    options =
      try parts.count < 2
      ? []
      : parts[1].split(separator: ",").map { pair in
        let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty else {
          throw CatalogError.malformedOption(plugin: String(parts[0]), option: String(pair))
        }
        return (String(sides[0]), String(sides[1]))
      }
  }

  public var description: String {
    options.isEmpty
      ? name : name + ":" + options.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  public static func == (a: Self, b: Self) -> Bool { a.description == b.description }
}

/// A list of plug-ins by name; registering one is one line in the list that stands beside its protocol.
public struct Catalog<Element: Sendable>: Sendable {
  public let kind: String
  public let entries: [(name: String, element: Element)]

  public init(_ kind: String, _ entries: [(name: String, element: Element)]) {
    self.kind = kind
    self.entries = entries
  }

  public var names: [String] { entries.map(\.name) }

  /// The entry of that name; throws an error that lists the valid names.
  public func find(_ name: String) throws -> Element {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw CatalogError.unknownName(kind: kind, name: name, valid: names)
    }
    return entry.element
  }
}

public enum CatalogError: Error, Equatable, CustomStringConvertible {
  case unknownName(kind: String, name: String, valid: [String])
  case malformedOption(plugin: String, option: String)
  case unknownOption(plugin: String, option: String, valid: [String])
  case invalidOption(plugin: String, option: String, value: String, expected: String)

  public var description: String {
    switch self {
    case .unknownName(let kind, let name, let valid):
      "unknown \(kind) '\(name)'; valid: \(valid.joined(separator: ", "))"
    case .malformedOption(let plugin, let option):
      "option '\(option)' of \(plugin) is not of the form key=value"
    case .unknownOption(let plugin, let option, let valid):
      valid.isEmpty
        ? "\(plugin) takes no options, not '\(option)'"
        : "\(plugin) has no option '\(option)'; valid: \(valid.joined(separator: ", "))"
    case .invalidOption(let plugin, let option, let value, let expected):
      "option \(option) of \(plugin) is '\(value)'; give \(expected)"
    }
  }
}
