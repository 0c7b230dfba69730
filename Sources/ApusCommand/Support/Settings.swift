import ApusCore
import ArgumentParser
import Foundation

/// Fills in the flags that were not given, from `APUS_<FLAG>` variables and the file that `--config` names.
///
/// It works on the arguments before they are parsed and knows the flags from the parser itself, so that a new option
/// needs nothing here.
struct Settings {
  var environment = ProcessInfo.processInfo.environment

  /// Arguments, and for those that were put in, by flag (`--ctx-size`), where they came from.
  struct Expansion {
    var arguments: [String]
    var sources: [String: String] = [:]
  }

  private static let prefix = "APUS_"

  /// Puts in what is missing after the command's name; throws `ValidationError`.
  func expand(_ arguments: [String]) throws -> Expansion {
    let unchanged = Expansion(arguments: arguments)
    let usesEnvironment = environment.contains {
      $0.key.hasPrefix(Self.prefix) && !$0.value.isEmpty
    }
    let usesFile = arguments.contains { $0 == "--config" || $0.hasPrefix("--config=") }
    guard usesEnvironment || usesFile else { return unchanged }

    let schema = try JSONValue(parsing: RootCommand._dumpHelp())
    guard let root = schema["command"] else { return unchanged }
    let (command, depth) = Self.command(arguments, in: root)
    guard command["subcommands"] == nil else { return unchanged }
    let given = CommandFlags(command)
    let (present, file) = given.present(in: arguments.dropFirst(depth))
    guard !present.contains("help") else { return unchanged }
    let values = try configuration(
      file ?? environment[Self.prefix + "CONFIG"].flatMap { $0.isEmpty ? nil : $0 },
      known: CommandFlags.allNames(root))
    var inserted: [String] = []
    var sources: [String: String] = [:]
    for flag in given.flags where present.isDisjoint(with: flag.names) {
      guard let value = try missing(flag, values) else { continue }
      inserted += value.arguments
      sources["--" + value.name] = value.source
    }
    return Expansion(
      arguments: arguments[..<depth] + inserted + arguments[depth...], sources: sources)
  }

  /// The subcommand that the first arguments name, and how many arguments that takes.
  private static func command(_ arguments: [String], in root: JSONValue) -> (JSONValue, Int) {
    var command = root
    var depth = 0
    while depth < arguments.count,
      let next = command["subcommands"]?.arrayValue?.first(where: {
        $0["commandName"]?.stringValue == arguments[depth]
      })
    {
      command = next
      depth += 1
    }
    return (command, depth)
  }

  /// The arguments that set one flag from the environment or the file.
  private func missing(
    _ flag: CommandFlags.Flag, _ values: [String: (key: String, value: JSONValue)]
  ) throws -> (arguments: [String], name: String, source: String)? {
    for name in flag.names {
      let variable = Self.prefix + name.uppercased().replacingOccurrences(of: "-", with: "_")
      if let value = environment[variable], !value.isEmpty {
        return (try flag.arguments(name, value, from: variable), name, variable)
      }
    }
    guard let name = flag.names.first(where: { values[$0] != nil }), let entry = values[name] else {
      return nil
    }
    let place = "'\(entry.key)' of the configuration file"
    var elements = [entry.value]
    if case .array(let list) = entry.value {
      guard flag.isRepeating else { throw ValidationError("\(place) takes one value, not a list") }
      elements = list
    }
    let arguments = try elements.flatMap {
      try flag.arguments(name, Self.text($0, place), from: place)
    }
    return (arguments, name, place)
  }

  private static func text(_ value: JSONValue, _ place: String) throws -> String {
    switch value {
    case .string(let text): return text
    case .integer, .number, .bool: return value.text
    default:
      throw ValidationError("\(place) is \(value.kind); give a string, a number, true or false")
    }
  }

  private func configuration(
    _ path: String?, known: Set<String>
  ) throws -> [String: (key: String, value: JSONValue)] {
    guard let path else { return [:] }
    let object: JSONObject
    do {
      object = try Self.object(in: path)
    } catch {
      throw ValidationError("the configuration file \(path): \(ErrorReport.text(of: error))")
    }
    var values: [String: (key: String, value: JSONValue)] = [:]
    for (key, value) in object.entries {
      let name = key.replacingOccurrences(of: "_", with: "-")
      guard known.contains(name) else {
        throw ValidationError("the configuration file \(path) has the unknown key '\(key)'")
      }
      values[name] = (key, value)
    }
    return values
  }
}

extension Settings {
  /// What a file holds, in TOML or YAML if its name says so, in JSON otherwise.
  private static func object(in path: String) throws -> JSONObject {
    let text = try TextInput.read(path)
    switch URL(filePath: path).pathExtension.lowercased() {
    case "toml": return try ConfigurationText.parse(text, .toml)
    case "yaml", "yml": return try ConfigurationText.parse(text, .yaml)
    default:
      guard case .object(let object) = try JSONValue(parsing: text) else {
        throw ValidationError("it is no JSON object")
      }
      return object
    }
  }
}

/// The flags and options of one command, as the parser describes them.
struct CommandFlags {
  struct Flag {
    /// Long names, without dashes.
    var names: Set<String> = []
    /// As on the command line: `--model`, `-m`.
    var spellings: Set<String> = []
    let takesValue: Bool
    let isRepeating: Bool

    /// nil for what has no long name.
    init?(_ argument: JSONValue) {
      takesValue = argument["kind"]?.stringValue == "option"
      isRepeating = argument["isRepeating"]?.boolValue ?? false
      for entry in argument["names"]?.arrayValue ?? [] {
        guard let name = entry["name"]?.stringValue, name != "version" else { continue }
        let isLong = entry["kind"]?.stringValue == "long"
        if isLong { names.insert(name) }
        spellings.insert((isLong ? "--" : "-") + name)
      }
      guard !names.isEmpty else { return nil }
    }

    /// The arguments that set this flag, under one of its names, to a value.
    func arguments(_ name: String, _ value: String, from place: String) throws -> [String] {
      if takesValue { return ["--\(name)=\(value)"] }
      switch value.lowercased() {
      case "1", "true", "yes", "on": return ["--" + name]
      case "0", "false", "no", "off":
        let opposite = name.hasPrefix("no-") ? String(name.dropFirst(3)) : "no-" + name
        return names.contains(opposite) ? ["--" + opposite] : []
      default: throw ValidationError("\(place) is '\(value)'; give true or false")
      }
    }
  }

  let flags: [Flag]

  init(_ command: JSONValue) {
    var flags = (command["arguments"]?.arrayValue ?? []).compactMap(Flag.init)
    // The parser describes --metrics and --no-metrics apart; they set one thing.
    for flag in flags {
      guard let name = flag.names.first(where: { $0.hasPrefix("no-") }),
        let index = flags.firstIndex(where: { $0.names.contains(String(name.dropFirst(3))) })
      else { continue }
      flags[index].names.formUnion(flag.names)
      flags[index].spellings.formUnion(flag.spellings)
      flags.removeAll { $0.names == flag.names }
    }
    self.flags = flags
  }

  /// The long names of the flags that the arguments set, and the value of `--config`.
  func present(in arguments: ArraySlice<String>) -> (names: Set<String>, configuration: String?) {
    var names: Set<String> = ["config"]
    var file: String?
    var rest = arguments
    while let argument = rest.popFirst(), argument != "--" {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard argument.hasPrefix("-"), let spelling = parts.first.map(String.init) else { continue }
      if spelling == "-h" || spelling == "--help" { names.insert("help") }
      guard let flag = flags.first(where: { $0.spellings.contains(spelling) }) else { continue }
      names.formUnion(flag.names)
      guard flag.takesValue else { continue }
      let value = parts.count > 1 ? String(parts[1]) : rest.popFirst()
      if flag.names.contains("config") { file = value }
    }
    return (names, file)
  }

  /// The long names of all flags of a command and its subcommands.
  static func allNames(_ command: JSONValue) -> Set<String> {
    var names = CommandFlags(command).flags.reduce(into: Set<String>()) { $0.formUnion($1.names) }
    for next in command["subcommands"]?.arrayValue ?? [] { names.formUnion(allNames(next)) }
    return names.subtracting(["help", "config"])
  }
}
