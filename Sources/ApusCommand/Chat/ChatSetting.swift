import ApusCore
import ArgumentParser
import Foundation

/// A setting that `/set` shows and changes: a flag, under the name that requests have for it.
package struct ChatSetting: Sendable {
  package let name: String
  private let aliases: [String]
  /// The value as `/set` shows it.
  package let text: @Sendable (ChatSettings) -> String
  private let copy: @Sendable (ChatSettings, inout ChatSettings) -> Void

  /// All settings; a new flag is a line here.
  package static let all = [
    ChatSetting("temperature", \.sampling.temperature, aliases: "temp"),
    ChatSetting("top_k", \.sampling.topK),
    ChatSetting("top_p", \.sampling.topP),
    ChatSetting("min_p", \.sampling.minP),
    ChatSetting("typical_p", \.sampling.typicalP, aliases: "typical"),
    ChatSetting("repeat_penalty", \.sampling.repeatPenalty, aliases: "repetition_penalty"),
    ChatSetting("presence_penalty", \.sampling.presencePenalty),
    ChatSetting("frequency_penalty", \.sampling.frequencyPenalty),
    ChatSetting("seed", \.sampling.seed) { $0.map { "\($0)" } ?? "a new one for each answer" },
    ChatSetting("stop", \.sampling.stop) { texts in
      texts.isEmpty ? "none" : texts.map { JSONValue.string($0).text }.joined(separator: " ")
    },
    ChatSetting("max_tokens", \.maxTokens, aliases: "n_predict") { $0 < 0 ? "no limit" : "\($0)" },
  ]

  private init<Value>(
    _ name: String, _ value: WritableKeyPath<ChatSettings, Value> & Sendable, aliases: String...,
    show: @escaping @Sendable (Value) -> String = { "\($0)" }
  ) {
    self.name = name
    self.aliases = aliases
    text = { show($0[keyPath: value]) }
    copy = { $1[keyPath: value] = $0[keyPath: value] }
  }

  /// The setting of a name, which may be written as the flag is; throws `CatalogError`.
  package static func find(_ name: String) throws -> ChatSetting {
    let plain = name.drop { $0 == "-" }.replacingOccurrences(of: "-", with: "_")
    if let setting = all.first(where: { $0.name == plain || $0.aliases.contains(plain) }) {
      return setting
    }
    throw CatalogError.unknownName(kind: "setting", name: name, valid: all.map(\.name))
  }

  /// The word that gives a setting back the value that it has without the flag.
  package static let usual = "default"

  /// Takes a value as the flag takes it; throws `ChatError.badSetting` with what the flag would say.
  package func set(_ value: String, in settings: inout ChatSettings) throws {
    let flag = "--" + name.replacingOccurrences(of: "_", with: "-")
    do {
      let words = value == Self.usual ? [] : ["\(flag)=\(value)"]
      copy(try ChatSettings.parse(words), &settings)
    } catch {
      let message = ChatSettings.message(for: error)
      throw ChatError.badSetting(message.replacingOccurrences(of: flag, with: name))
    }
  }
}
