import ApusCore
import ApusText
import Foundation

/// Cases with outcomes of the reference implementation, and how to compare with them.
enum TemplateCases {
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "Fixtures")

  /// The folder of real templates, if the machine has it.
  static let artefacts: URL? = {
    let package = (0..<4).reduce(URL(filePath: #filePath)) { url, _ in
      url.deletingLastPathComponent()
    }
    let shared =
      ProcessInfo.processInfo.environment["APUS_SHARED"].map { URL(filePath: $0) }
      ?? package.deletingLastPathComponent().appending(path: "shared")
    let folder = shared.appending(path: "artefacts")
    let templates = folder.appending(path: "chat_templates").path
    return FileManager.default.fileExists(atPath: templates) ? folder : nil
  }()

  /// Where make_goldens.py and fuzz.py wrote whole outputs.
  static let goldens = ProcessInfo.processInfo.environment["APUS_TEMPLATE_GOLDEN"].map {
    URL(filePath: $0)
  }

  /// What the fixtures take for the current time: 26 July 2025, 10:44:05.
  static let now = ChatTemplateDate(secondsSince1970: 1_753_526_645)

  static func read(_ url: URL) throws -> JSONValue {
    try JSONValue(parsing: Array(Data(contentsOf: url)))
  }

  static func jsonFiles(in folder: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
  }

  // MARK: Outcomes

  /// The outcome in the form of the goldens: the output, or the kind of the error and its message.
  static func outcome(_ render: () throws -> String) -> JSONObject {
    var result = JSONObject()
    func fail(_ kind: String, _ message: String) {
      result["error"] = .string(kind)
      result["message"] = .string(message)
    }
    do {
      result["output"] = .string(try render())
    } catch let error as ChatTemplateError {
      switch error {
      case .syntax(_, let message): fail("syntax", message)
      case .runtime(_, let message): fail("runtime", message)
      case .raised(let message): fail("raised", message)
      case .limit(_, let message): fail("limit", message)
      }
    } catch {
      fail("other", "\(error)")
    }
    return result
  }

  static func outcome(of template: String, _ context: JSONObject) -> JSONObject {
    outcome { try ChatTemplate(template).render(context, now: { now }) }
  }

  static func outcome(of template: String, chat: JSONObject) -> JSONObject {
    outcome {
      try ChatTemplate(template).render(
        messages: chat["messages"]?.arrayValue ?? [], tools: chat["tools"],
        documents: chat["documents"],
        addGenerationPrompt: chat["add_generation_prompt"]?.boolValue ?? false,
        bosToken: chat["bos_token"]?.stringValue ?? "",
        eosToken: chat["eos_token"]?.stringValue ?? "",
        arguments: chat["kwargs"]?.objectValue ?? JSONObject(), now: { now })
    }
  }

  /// Runs a case of a golden file; describes how the outcome differs, if it does.
  static func difference(_ row: JSONValue) -> String? {
    guard let expected = row.objectValue, let template = row["template"]?.stringValue else {
      return "not a case: \(row.text)"
    }
    let actual =
      expected["chat"]?.objectValue.map { outcome(of: template, chat: $0) }
      ?? outcome(of: template, expected["context"]?.objectValue ?? JSONObject())
    if matches(expected, actual) { return nil }
    return "\(template)\n  expected \(summary(expected))\n  rendered \(summary(actual))"
  }

  /// Messages are compared where the reference's is one that a template's user sees.
  private static func matches(_ expected: JSONObject, _ actual: JSONObject) -> Bool {
    if let output = expected["output"]?.stringValue {
      // By bytes: `==` takes canonically equivalent strings for equal.
      return actual["output"]?.stringValue.map { Array($0.utf8) } == Array(output.utf8)
    }
    guard expected["error"] == actual["error"] else { return false }
    guard let message = expected["message"] else { return true }
    // jinja2 joins the outputs of blocks late, so that another error may come first.
    let isEarly = actual["message"]?.stringValue?.hasPrefix("sequence item 0") ?? false
    return message == actual["message"] || isEarly
  }

  private static func summary(_ outcome: JSONObject) -> String {
    ["output", "error", "message"].compactMap { name in
      outcome[name].map { "\(name): \($0.text.prefix(400))" }
    }.joined(separator: ", ")
  }

  /// The 64-bit FNV-1a hash of a text, in hexadecimal.
  static func hash(_ text: String) -> String {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
