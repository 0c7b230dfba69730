/// The options of a plug-in, read by name; one that nobody asks for is an error that lists those that are.
public final class PluginOptions {
  private let plugin: String
  private let values: [(key: String, value: String)]
  private let files: Bool
  private var known: [String] = []

  private init(_ specification: PluginSpecification, files: Bool) {
    plugin = specification.name
    values = specification.options
    self.files = files
  }

  /// Calls `make` with the options of a specification; throws `CatalogError` for those it leaves unread.
  ///
  /// `files` says whether options may name files of this machine; who sends a request must not.
  public static func read<Plugin>(
    _ specification: PluginSpecification, files: Bool = true,
    _ make: (PluginOptions) throws -> Plugin
  ) throws -> Plugin {
    let options = PluginOptions(specification, files: files)
    let made = try make(options)
    if let unknown = options.values.first(where: { !options.known.contains($0.key) }) {
      throw CatalogError.unknownOption(
        plugin: options.plugin, option: unknown.key, valid: options.known)
    }
    return made
  }

  /// The number an option gives; nil when it is not given.
  public func double(_ key: String, in range: ClosedRange<Double>) throws -> Double? {
    try value(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)") {
      Double($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// The whole number an option gives; nil when it is not given.
  public func int(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    try value(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
      Int($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// The text an option gives; nil when it is not given.
  public func string(_ key: String) throws -> String? {
    try value(key, expected: "a text") { $0.isEmpty ? nil : $0 }
  }

  /// The path of a file of this machine an option names; nil when it is not given.
  public func file(_ key: String) throws -> String? {
    try value(key, expected: files ? "the path of a file" : "no file in a request") {
      files && !$0.isEmpty ? $0 : nil
    }
  }

  /// The error about an option's value that does not fit the others or what it names.
  public func invalid(_ key: String, expected: String) -> CatalogError {
    CatalogError.invalidOption(
      plugin: plugin, option: key, value: values.last { $0.key == key }?.value ?? "",
      expected: expected)
  }

  /// The value of an enumeration an option names; nil when it is not given.
  public func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, of type: Choice.Type
  ) throws -> Choice? where Choice.RawValue == String {
    let names = type.allCases.map(\.rawValue).joined(separator: ", ")
    return try value(key, expected: "one of \(names)") { Choice(rawValue: $0) }
  }

  /// What `read` makes of an option's text; nil when it is not given, an error that names `expected` when `read` is nil.
  public func value<Value>(
    _ key: String, expected: String, _ read: (String) -> Value?
  ) throws -> Value? {
    known.append(key)
    guard let text = values.last(where: { $0.key == key })?.value else { return nil }
    guard let value = read(text) else {
      throw CatalogError.invalidOption(plugin: plugin, option: key, value: text, expected: expected)
    }
    return value
  }
}
