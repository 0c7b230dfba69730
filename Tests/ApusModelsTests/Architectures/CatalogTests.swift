import ApusCore
import ApusModels
import Foundation
import Testing

@Suite(.serialized) struct CatalogTests {
  /// To be in the folder is to be in the list; `DenseDecoder` is what the others share.
  @Test func everyArchitectureIsListed() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../Sources/ApusModels/Architectures").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .map { String($0.dropLast(".swift".count)) }.filter { $0 != "DenseDecoder" }
    let listed = ModelArchitectures.catalog.entries.map { String(describing: $0.element) }
    #expect(Set(files) == Set(listed))
  }

  @Test func anUnknownNameListsTheValidOnes() {
    #expect(
      throws: CatalogError.unknownName(
        kind: "architecture", name: "mamba", valid: ["llama", "qwen2", "qwen3"])
    ) {
      try ModelArchitectures.catalog.find("mamba")
    }
  }
}
