import ApusCompute
import ApusCore
import Foundation
import Testing

@Suite(.serialized) struct PackCacheTests {
  @Test func keepsWhatTheFirstStartMade() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    let first = try folder.start()
    let second = try folder.start()
    #expect(first.made && !second.made)
    #expect(first.rows == second.rows)
    #expect(folder.names.count == 1)
    #expect(folder.warnings.isEmpty)
  }

  /// Without a look at the model, a change of a few bytes must not pass unseen.
  @Test func anotherContentIsAnotherFile() throws {
    let folder = try PackFolder()
    try folder.writeModel(seed: 1)
    _ = try folder.start()
    try folder.writeModel(seed: 2)
    #expect(try folder.start().made)
    #expect(folder.names.count == 2)
    try folder.writeModel(seed: 1)
    #expect(try !folder.start().made)
    #expect(folder.names.count == 2)
    #expect(try folder.start(description: "another way to pack").made)
    #expect(folder.names.count == 3)
  }

  /// The same content under another name or with another time is hashed once more, not packed.
  @Test func aCopyIsFoundByItsContent() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    _ = try folder.start()
    let name = folder.names
    try folder.writeModel(name: "copy")
    #expect(try !folder.start("copy").made)
    #expect(folder.names.count == 1)
    #expect(folder.names != name)
    #expect(folder.names[0].prefix(32) == name[0].prefix(32))
    #expect(folder.warnings.isEmpty)
  }

  /// A file that changed a moment ago may change again at the same time: its content counts, not its time.
  @Test func aFreshFileIsKnownByContentOnly() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    #expect(try folder.start(isSettled: false).made)
    #expect(folder.names.count == 1 && folder.names[0].hasSuffix("-new.apack"))
    #expect(try !folder.start(isSettled: false).made)
    #expect(try !folder.start().made)
    #expect(folder.names.count == 1 && !folder.names[0].hasSuffix("-new.apack"))
  }

  /// Any changed byte is found, with one line of warning, and the file is written anew.
  @Test func damageIsFoundAndRepaired() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    let expected = try folder.start()
    let good = [UInt8](try Data(contentsOf: URL(filePath: folder.file)))
    // Between section and table stand zeros, which nobody reads.
    let sectionEnd = 128 + PackFolder.rows * PackFolder.columns / 32 * 34
    var random = RandomSource(seed: 1)
    var places = [0, 8, 16, 24, 32, 40, 70, 103, 104, 111, 128, sectionEnd - 1, good.count - 1]
    places += (0..<40).map { _ in 128 + random.below(sectionEnd - 128) }
    let table = (sectionEnd + 63) / 64 * 64
    places += (0..<40).map { _ in table + random.below(good.count - table) }
    for (index, place) in places.enumerated() {
      var bad = good
      bad[place] ^= UInt8(1 << random.below(8))
      try Data(bad).write(to: URL(filePath: folder.file))
      let result = try folder.start()
      #expect(result.made && result.rows == expected.rows, "byte \(place)")
      #expect(folder.warnings.count == index + 1, "byte \(place)")
      #expect(folder.warnings.last?.contains(folder.file) == true)
      #expect(try [UInt8](Data(contentsOf: URL(filePath: folder.file))) == good, "byte \(place)")
    }
    #expect(folder.names.count == 1)
  }

  @Test func incompleteFilesAreMadeAnew() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    let expected = try folder.start()
    let good = [UInt8](try Data(contentsOf: URL(filePath: folder.file)))
    for count in [0, 1, 111, 127, 128, 5000, good.count / 2, good.count - 1] {
      try Data(good.prefix(count)).write(to: URL(filePath: folder.file))
      let result = try folder.start()
      #expect(result.made && result.rows == expected.rows, "\(count) bytes")
    }
    try Data(good + [0]).write(to: URL(filePath: folder.file))
    #expect(try folder.start().made)
    #expect(folder.warnings.count == 9)
    #expect(folder.warnings.allSatisfy { !$0.contains("\n") })
    #expect(try !folder.start().made)
  }

  /// A file under the name of another is not believed.
  @Test func aWrongNameIsNoUse() throws {
    let folder = try PackFolder()
    try folder.writeModel(seed: 1)
    _ = try folder.start()
    let first = folder.names[0]
    try folder.writeModel(seed: 2)
    let expected = try folder.start()
    let second = folder.names.first { $0 != first }!
    try Data(contentsOf: URL(filePath: folder.cache + "/" + first))
      .write(to: URL(filePath: folder.cache + "/" + second))
    let result = try folder.start()
    #expect(result.made && result.rows == expected.rows)
    #expect(folder.warnings.last?.contains("another model") == true)
  }

  @Test func foldersThatCannotBeUsedAreErrors() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    try folder.write([1], "cache")
    let error = #expect(throws: FileError.self) { try folder.start() }
    #expect(error?.description.contains(folder.cache) == true)
  }

  /// What an interrupted start left does not stay, and does not hinder.
  @Test func partsOfAFileAreTakenOver() throws {
    let folder = try PackFolder()
    try folder.writeModel()
    _ = try folder.start()
    let file = folder.file
    try FileManager.default.moveItem(atPath: file, toPath: file + ".partial")
    #expect(try folder.start().made)
    #expect(folder.cache + "/" + folder.names[0] == file)
    #expect(folder.names.count == 1)
  }

  /// Two that start at once both get their weights; one of them writes.
  @Test func startsDoNotHinderEachOther() async throws {
    let folder = try PackFolder()
    try folder.writeModel()
    let results = try await withThrowingTaskGroup(of: [[Float]].self) { group in
      for _ in 0..<8 { group.addTask { try folder.start().rows } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count == 8 && results.allSatisfy { $0 == results[0] })
    #expect(folder.names.count == 1)
    #expect(folder.warnings.isEmpty)
    #expect(try !folder.start().made)
  }
}
