import ApusCore
import Foundation
import Testing

@Suite final class LineFileTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID())")
  private var path: String { folder.appending(path: "lines.txt").path }

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  private func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  /// The file and its lines with their numbers.
  private func open() throws -> (file: LineFile, lines: [String]) {
    var lines: [String] = []
    let file = try LineFile(path: path, start: Array("line ".utf8)) {
      lines.append("\($1): \(String(decoding: $0, as: UTF8.self))")
    }
    return (file, lines)
  }

  @Test func linesAreAddedAndReadAgain() throws {
    do {
      let (file, lines) = try open()
      #expect(lines.isEmpty)
      try file.append(Array("line a".utf8))
      try file.append(Array("line ä".utf8))
      try file.synchronize()
    }
    #expect(try text() == "line a\nline ä\n")
    let (file, lines) = try open()
    #expect(lines == ["1: line a", "2: line ä"])
    try file.append(Array("line c".utf8))
    #expect(try text() == "line a\nline ä\nline c\n")
  }

  /// Wherever a line is torn, what stands before it stays.
  @Test(arguments: ["l", "line", "line ", "line b and more"])
  func tornLinesAreCutOff(torn: String) throws {
    try write("line a\n" + torn)
    let (file, lines) = try open()
    #expect(lines == ["1: line a"])
    #expect(try text() == "line a\n")
    try file.append(Array("line b".utf8))
    #expect(try text() == "line a\nline b\n")
  }

  @Test(arguments: ["other", "lines", "\r", " line"])
  func otherEndsAreNotTouched(end: String) throws {
    try write("line a\n" + end)
    #expect(throws: LineFileError.unfinished(path: path, line: 2)) { try open() }
    #expect(try text() == "line a\n" + end)
  }

  /// Lines may be longer than what is read at once.
  @Test func longLines() throws {
    let long = "line " + String(repeating: "x", count: 3 << 20)
    try write("line a\n" + long + "\nline b\n" + long.prefix(2 << 20))
    let (file, lines) = try open()
    #expect(lines.count == 3 && lines[1] == "2: " + long && lines[2] == "3: line b")
    #expect(try text().utf8.count == 7 + long.utf8.count + 1 + 7)
    try file.synchronize()
  }

  @Test func whatTheReaderThrowsIsPassedOn() throws {
    struct Refused: Error {}
    try write("line a\nline b\nline")
    #expect(throws: Refused.self) {
      try LineFile(path: path, start: []) { _, number in
        if number == 2 { throw Refused() }
      }
    }
    #expect(try text() == "line a\nline b\nline")
  }

  @Test func oneWriterAtATime() throws {
    let first = try open().file
    #expect(throws: LineFileError.inUse(path: path)) { try open() }
    try first.append(Array("line a".utf8))
    #expect(try text() == "line a\n")
  }

  @Test func thereIsALockOnlyWhileItIsOpen() throws {
    do { try open().file.append(Array("line a".utf8)) }
    #expect(try open().lines == ["1: line a"])
  }

  @Test func whatIsNoFile() throws {
    #expect(
      throws: LineFileError.cannotOpen(path: folder.path, reason: "it is no regular file")
    ) { try LineFile(path: folder.path, start: []) { _, _ in } }
    let nowhere = folder.appending(path: "missing/lines.txt").path
    let error = #expect(throws: LineFileError.self) {
      try LineFile(path: nowhere, start: []) { _, _ in }
    }
    guard case .cannotOpen(nowhere, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
