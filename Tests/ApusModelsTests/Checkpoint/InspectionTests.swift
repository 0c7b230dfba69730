import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct InspectionTests {
  private func inspect(_ builder: ModelBuilder) throws -> (Checkpoint, Inspection) {
    let folder = try TemporaryFolder()
    let checkpoint = try Checkpoint.open(try folder.write(builder.gguf, "tiny.gguf"))
    return (checkpoint, Inspection(checkpoint))
  }

  @Test func sumsUp() throws {
    var builder = ModelBuilder()
    builder.type = .q8_0
    let (checkpoint, inspection) = try inspect(builder)
    #expect(inspection.byteCount == checkpoint.weightByteCount)
    #expect(
      inspection.parameterCount == builder.shapes.reduce(0) { $0 + $1.shape.reduce(1, *) })
    #expect(inspection.totals.map(\.type) == ["Q8_0", "F32"])
    #expect(inspection.totals[1].tensorCount == 5)
    #expect(inspection.tensors.first?.name == "token_embd.weight")
    #expect(inspection.tensors.last?.name == "output_norm.weight")
  }

  @Test func cutsLongValues() throws {
    var builder = ModelBuilder()
    builder.changes = [
      "a.text": .string(String(repeating: "é", count: 500)), "b\nc": .bool(true),
      "tokenizer.chat_template": .string("{{ x }}\n{{ y }}"),
    ]
    let (_, inspection) = try inspect(builder)
    let metadata = Dictionary(uniqueKeysWithValues: inspection.metadata.map { ($0.key, $0.value) })
    #expect(
      metadata["tokenizer.ggml.tokens"]
        == ["token0", "token1", "token2", "token3", "token4", "token5", "… 24 in all"])
    #expect(metadata["a.text"]?.stringValue?.hasSuffix("é… (500)") == true)
    let text = inspection.text()
    #expect(text.contains("b\\u{a}c = true"))
    #expect(text.contains("  chat_template: {{ x }}\\u{a}{{ y }}\n"))
    #expect(text.contains("  blk.0.attn_k.weight       F32  16 × 32  2.0 KiB\n"))
    #expect(!inspection.text(listsTensors: false).contains("blk.0"))
  }

  @Test func rendersJSON() throws {
    let (_, inspection) = try inspect(ModelBuilder())
    let json = try JSONValue(parsing: inspection.json.text)
    #expect(json["configuration"]?["layers"]?.intValue == 2)
    #expect(json["configuration"]?["rope_scaling"]?.stringValue == "none")
    #expect(json["tensors"]?.arrayValue?.count == inspection.tensors.count)
    #expect(json["types"]?.arrayValue?.first?["type"]?.stringValue == "F32")
    #expect(json["tokenizer"]?["tokens"]?.intValue == 24)
  }

  @Test(.enabled(if: Artefacts.tinyStories, "\(Artefacts.skip)"))
  func namesTokenizerFiles() throws {
    let inspection = Inspection(
      try Checkpoint.open(Artefacts.path("weights/tinystories-656k-hf")))
    #expect(inspection.tokenizer.map(\.key) == ["tokenizer.json", "tokenizer_config.json"])
    #expect(inspection.metadata.isEmpty)
  }
}
