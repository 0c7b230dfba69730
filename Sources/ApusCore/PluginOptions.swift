/// The options of a plug-in, read by name; one that nobody asks for is an error that lists those that are.
public final class PluginOptions {
  private let plugin: String
  private let values: [(key: String, value: String)]
  private var known: [String] = []

  private init(_ specification: PluginSpecification) {
    plugin = specification.name
    values = specification.options
  }

  /// Calls `make` with the options of a specification; throws `CatalogError` for those it leaves unread.
  public static func read<Plugin>(
    _ specification: PluginSpecification, _ make: (PluginOptions) throws -> Plugin
  ) throws -> Plugin {
    let options = PluginOptions(specification)
    let made = try make(options)
    if let unknown = options.values.first(where: { !options.known.contains($0.key) }) {
      throw CatalogError.unknownOption(
        plugin: options.plugin, option: unknown.key, valid: options.known)
    }
    return made
  }

  /// The number an option gives; nil when it is not given.
  public func double(_ key: String, in range: ClosedRange<Double>) throws -> Double? {
    known.append(key)
    guard let text = values.last(where: { $0.key == key })?.value else { return nil }
    guard let value = Double(text), range.contains(value) else {
      throw CatalogError.invalidOption(
        plugin: plugin, option: key, value: text,
        expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}
