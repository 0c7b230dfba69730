import Apus
import Testing

struct HubSelectionTests {
  private func select(_ listing: [String], file: String? = nil) throws -> HubSelection {
    try HubSelection(repository: "org/repo", file: file, listing: listing)
  }

  @Test func oneModelNeedsNoName() throws {
    let selection = try select(["README.md", "a.gguf", "mmproj-a.gguf"])
    #expect(selection.files == ["a.gguf"])
    #expect(selection.entry == "a.gguf")
  }

  @Test func ofSeveralTypesTheUsualOne() throws {
    let files = ["m-F16.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf"]
    #expect(try select(files).entry == "m-Q4_K_M.gguf")
    #expect(try select(["m-F16.gguf", "m-Q8_0.gguf"]).entry == "m-Q8_0.gguf")
    #expect(try select(files, file: "q8_0").entry == "m-Q8_0.gguf")
    #expect(throws: HubError.ambiguous(repository: "org/repo", files: ["a.gguf", "b.gguf"])) {
      try select(["a.gguf", "b.gguf"])
    }
    #expect(throws: HubError.noSuchFile("m", repository: "org/repo", known: files)) {
      try select(files, file: "m")
    }
  }

  @Test func aSplitModelIsOne() throws {
    let parts = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]
    #expect(try select(parts).files == parts)
    #expect(try select(parts, file: parts[1]).entry == parts[0])
    #expect(throws: HubError.noModel(repository: "org/repo")) { try select([parts[0]]) }
  }

  @Test func aHuggingFaceModelIsAFolder() throws {
    let single = try select(["config.json", "model.safetensors", "tokenizer.json", "x.bin"])
    #expect(single.files == ["model.safetensors", "config.json", "tokenizer.json"])
    #expect(single.entry == nil)
    let index = "model.safetensors.index.json"
    let parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    #expect(try select(["config.json", index] + parts).files == [index] + parts + ["config.json"])
    #expect(throws: HubError.self) { try select(["config.json", index, parts[0]]) }
    #expect(throws: HubError.self) { try select(["model.safetensors"]) }
  }

  @Test func digestsAreThoseOfTheStandard() {
    func digest(_ pieces: [[UInt8]]) -> String {
      var digest = HubDigest()
      for piece in pieces { digest.update(piece) }
      return digest.hexadecimal()
    }
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(digest([Array("abc".utf8)]) == abc)
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(digest([long]) == expected)
    #expect(digest([Array(long[..<63]), Array(long[63..<200]), Array(long[200...])]) == expected)
  }
}
