import ApusCore
import Foundation
import Testing

/// The chat templates of real models render as jinja2 does.
struct ChatTemplateArtefactTests {
  /// Compares with committed hashes of what the reference rendered, as the templates themselves are not part of the package.
  @Test(
    .enabled(if: TemplateCases.artefacts != nil, "no folder of real templates (APUS_SHARED)"))
  func realTemplatesRenderAsTheReference() throws {
    let folder = try #require(TemplateCases.artefacts)
    let fixtures = TemplateCases.fixtures
    let table = try #require(
      try TemplateCases.read(fixtures.appending(path: "artefacts.json")).objectValue)
    let chats = try TemplateCases.read(fixtures.appending(path: "conversations.json"))
    var compared = 0
    for (file, hashes) in table.entries {
      guard let template = try Self.template(file, in: folder) else { continue }
      for (name, expected) in try #require(hashes.objectValue).entries {
        let outcome =
          try chats[name]?.objectValue.map { TemplateCases.outcome(of: template, chat: $0) }
          ?? TemplateCases.outcome(
            of: template,
            #require(try TemplateCases.read(folder.appending(path: name)).objectValue))
        let digest = Self.digest(outcome)
        let isSame = expected.stringValue == digest || expected.stringValue == digest.kind
        #expect(isSame, "\(file) with \(name)")
        compared += 1
      }
    }
    #expect(compared > 0)
  }

  private static func template(_ file: String, in folder: URL) throws -> String? {
    let parts = file.split(separator: "#")
    let url = folder.appending(path: String(parts[0]))
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    guard url.pathExtension == "json" else {
      return String(decoding: try Data(contentsOf: url), as: UTF8.self)
    }
    let found = try TemplateCases.read(url)["chat_template"]
    guard parts.count > 1 else { return found?.stringValue }
    return found?.arrayValue?.first { $0["name"]?.stringValue == String(parts[1]) }?["template"]?
      .stringValue
  }

  /// The hash of an output; for an error its kind and message.
  private static func digest(_ outcome: JSONObject) -> String {
    if let output = outcome["output"]?.stringValue { return TemplateCases.hash(output) }
    return (outcome["error"]?.stringValue ?? "") + ":" + (outcome["message"]?.stringValue ?? "")
  }

  @Test(
    .enabled(if: TemplateCases.goldens != nil, "no whole goldens (APUS_TEMPLATE_GOLDEN)"))
  func wholeGoldensRenderAsTheReference() throws {
    var compared = 0
    var differences: [String] = []
    for url in try TemplateCases.jsonFiles(in: try #require(TemplateCases.goldens)) {
      for row in try #require(try TemplateCases.read(url).arrayValue) {
        compared += 1
        if let difference = TemplateCases.difference(row) { differences.append(difference) }
      }
    }
    #expect(compared > 0)
    for difference in differences.prefix(20) { Issue.record("\(difference)") }
    #expect(differences.count == 0, "\(differences.count) of \(compared) cases differ")
  }
}

extension String {
  /// The kind of an error, where the reference's message is not compared.
  fileprivate var kind: String { String(prefix { $0 != ":" }) }
}
