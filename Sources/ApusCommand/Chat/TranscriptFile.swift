import ApusCore
import Foundation

/// A conversation in a file: `{"messages": [{"role": …, "content": …}, …]}`, as requests to OpenAI's API have it.
package struct TranscriptFile {
  private let url: URL

  /// - Parameter path: may begin with `~`.
  package init(path: String) {
    url = URL(filePath: NSString(string: path).expandingTildeInPath).resolvingSymlinksInPath()
  }

  package var path: String { url.path }

  /// Nil if there is no such file.
  private var fileType: FileAttributeType? {
    try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
  }

  /// Throws `CommandError` when the file cannot be read or is no conversation.
  package func read() throws -> Transcript {
    // Others may have no end, or wait for a writer.
    guard fileType == .typeRegular || fileType == .typeDirectory || fileType == nil else {
      throw CommandError.cannotRead(path: path, reason: "it is no regular file")
    }
    let text = try TextInput.read(path)
    do {
      let json = try JSONValue(parsing: text)
      guard let object = json.objectValue else {
        throw TranscriptError("it", "is \(json.kind) and no object")
      }
      if let key = object.keys.first(where: { $0 != "messages" }) {
        throw TranscriptError(key, "is not supported; an object with messages is")
      }
      guard let messages = object["messages"] else {
        throw TranscriptError("messages", "is missing")
      }
      guard let list = messages.arrayValue else {
        throw TranscriptError("messages", "is \(messages.kind) and no array")
      }
      return try Transcript(messages: list)
    } catch {
      throw CommandError.noConversation(path: path, reason: "\(error)")
    }
  }

  /// Writes the whole file or nothing, and over no file but a conversation; throws `CommandError`.
  package func write(_ conversation: Transcript) throws {
    try Output.checkCanWrite(to: path)
    if fileType != nil { _ = try read() }
    let lines = conversation.messages().map { "\n  " + $0.text }.joined(separator: ",")
    do {
      try Data("{\"messages\": [\(lines)\n]}\n".utf8).write(to: url, options: .atomic)
    } catch {
      throw CommandError.cannotWrite(path: path, reason: error.localizedDescription)
    }
  }
}
