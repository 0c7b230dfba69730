import ApusCore
import ApusServer
import Foundation
import Testing

@Suite struct APIKeyTests {
  private func parse(_ text: String) throws -> [APIKey] { try APIKey.parse(text, path: "keys") }

  @Test func linesHoldKeysAndWhatTheyAllow() throws {
    let keys = try parse(
      "\u{FEFF}# staff\r\nsk-one\n\n  sk-two==  name=alice\tmax_tokens=64 \n#sk-old\nsk-3 max_tokens=1"
    )
    #expect(
      keys == [
        APIKey(secret: "sk-one", name: "key-1"),
        APIKey(secret: "sk-two==", name: "alice", maxTokens: 64),
        APIKey(secret: "sk-3", name: "key-3", maxTokens: 1),
      ])
  }

  @Test(arguments: [
    ("a\nsk two", 2), ("a name=", 1), ("a name=b/c", 1), ("a max_tokens=0", 1),
    ("a max_tokens=x", 1), ("a max_tokens=1 max_tokens=2", 1), ("a role=admin", 1),
    ("sch\u{fc}ssel", 1), ("a\nb\na", 3), ("a name=x name=y", 1),
  ])
  func wrongLinesAreNamedAndKeysAreNot(text: String, line: Int) {
    #expect {
      _ = try parse(text)
    } throws: { error in
      guard case .malformed("keys", line, let reason)? = error as? APIKeyFileError else {
        return false
      }
      return !reason.contains("sk") && !reason.contains("two")
    }
  }

  @Test func aFileWithoutKeysIsAnError() {
    for text in ["", "\n", "# only\n#comments", "\u{FEFF}"] {
      #expect(throws: APIKeyFileError.empty(path: "keys")) { try parse(text) }
    }
  }

  /// Whatever the bytes, a key that comes out stands in the text, and no two are equal.
  @Test func anyTextIsReadOrRefused() throws {
    var random = RandomSource(seed: 11)
    let pieces = [
      "sk-a", "sk-b", "x", " ", "\t", "\n", "\r\n", "#", "=", "name=", "name=n", "max_tokens=",
      "max_tokens=7", "99999999999999999999", "-1", "\u{FEFF}", "\u{e9}", "\u{2028}", "\u{0}", "\"",
    ]
    var readable = 0
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int(random.nextUnit() * 14) {
        text += pieces[min(Int(random.nextUnit() * Double(pieces.count)), pieces.count - 1)]
      }
      do {
        let keys = try parse(text)
        readable += 1
        #expect(!keys.isEmpty)
        #expect(Set(keys.map(\.secret)).count == keys.count)
        for key in keys {
          #expect(text.contains(String(decoding: key.secret, as: UTF8.self)))
          #expect(key.secret.allSatisfy { (0x21...0x7E).contains($0) })
          #expect(key.maxTokens.map { $0 > 0 } ?? true)
        }
      } catch {
        #expect(error is APIKeyFileError, "\(text)")
      }
    }
    #expect(readable > 100)
  }

  @Test func filesThatCannotBeReadAreErrors() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "keys")
    for path in [folder.path, file.path] {
      #expect(throws: APIKeyFileError.self) { try APIKeyFile(path: path) }
    }
    try Data([0x61, 0xFF]).write(to: file)
    #expect(throws: APIKeyFileError.self) { try APIKeyFile(path: file.path) }
    try Data("sk-one".utf8).write(to: file)
    #expect(try APIKeyFile(path: file.path).keys == [APIKey(secret: "sk-one", name: "key-1")])
  }
}
