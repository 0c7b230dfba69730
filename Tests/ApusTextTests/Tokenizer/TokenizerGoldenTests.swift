import Foundation
import Testing

@Suite(.serialized) struct TokenizerGoldenTests {
  static let folder = ProcessInfo.processInfo.environment["APUS_TOKENIZER_GOLDEN"]

  /// Small vocabularies that stand in the repository.
  @Test(arguments: TokenizerGolden.files(in: Artefacts.fixtures))
  func committed(url: URL) throws {
    let (count, differences) = try TokenizerGolden(url).compare()
    #expect(count > 100)
    #expect(differences.isEmpty, "\(differences.prefix(5).joined(separator: "\n"))")
  }

  /// What Tests/Golden/tokenizers/compare.py wrote into `APUS_TOKENIZER_GOLDEN`.
  @Test(
    .enabled(if: folder != nil, "APUS_TOKENIZER_GOLDEN is not set"),
    arguments: TokenizerGolden.files(in: URL(filePath: folder ?? "/nonexistent")))
  func external(url: URL) throws {
    let golden = try TokenizerGolden(url)
    let (count, differences) = try golden.compare()
    print("golden \(golden.name): \(count) texts, \(differences.count) differences")
    for difference in differences.prefix(8) { print("  \(difference)") }
    #expect(differences.isEmpty)
  }
}
