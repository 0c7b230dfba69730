import ApusCompute
import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct SafetensorsFileTests {
  @Test(arguments: [TensorType.f32, .f16, .bf16])
  func readsNumbers(type: TensorType) throws {
    let folder = try TemporaryFolder()
    let values: [Float] = [1, -2, 0.5, 3, 0, -0.25]
    let bytes = ModelBuilder.safetensors([
      ("a", type.name, [2, 3], quantize(type, values)), ("scalar", "F32", [], [0, 0, 0x80, 0x3F]),
      ("ids", "I64", [1], .init(repeating: 0, count: 8)), ("none", "F32", [0, 4], []),
    ])
    let file = try SafetensorsFile(path: try folder.write(bytes, "a.safetensors"))
    #expect(file.tensors["a"]?.shape == [2, 3])
    #expect(try file.tensors["a"]?.floats() == values)
    #expect(try file.tensors["scalar"]?.floats() == [1])
    #expect(file.unsupported == ["ids": "I64", "none": "F32"])
  }

  private func message(header: String, data: Int = 64) throws -> String {
    try message(
      ModelBuilder.safetensors(
        header: Array(header.utf8), data: .init(repeating: 0, count: data)))
  }

  private func message(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, "broken.safetensors")
    let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
    return error.map { "\($0)" } ?? ""
  }

  @Test func refusesBrokenHeaders() throws {
    func entry(_ shape: String, _ offsets: String, type: String = "F32") -> String {
      #"{"t":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
    }
    #expect(try message([1, 2, 3]).contains("shorter than 8 bytes"))
    #expect(try message(.init(repeating: 255, count: 8)).contains("does not fit into 8 bytes"))
    #expect(try message([0, 0xE2, 0xF5, 5, 1, 0, 0, 0]).contains("does not fit"))
    #expect(try message(header: "{").contains("invalid JSON"))
    #expect(try message(header: "[1]").contains("no JSON object"))
    #expect(try message(header: #"{"t":{"shape":[1]}}"#).contains("has no dtype"))
    #expect(try message(header: entry("3", "[0,4]")).contains("has no shape"))
    #expect(try message(header: entry("[1]", "[0]")).contains("has no data_offsets"))
    #expect(try message(header: entry("[1]", "[0.5,4]")).contains("has no data_offsets"))
    #expect(try message(header: entry("[32]", "[0,128]")).contains("outside of the 64 bytes"))
    #expect(try message(header: entry("[1]", "[-4,0]")).contains("outside"))
    #expect(try message(header: entry("[1]", "[8,4]")).contains("outside"))
    #expect(try message(header: entry("[2]", "[0,4]")).contains("has 4 bytes"))
    #expect(
      try message(header: entry("[4611686018427387904,8]", "[0,0]")).contains("has 0 bytes"))
    #expect(try message(header: entry("[-1]", "[0,4]")).contains("has 4 bytes"))
    let overlap =
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}}"#
    #expect(try message(header: overlap).contains("'a' and 'b' overlap"))
  }

  @Test func namesTheTensorWhoseNumbersItCannotRead() throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    let tensors = builder.shapes.map { name, shape in
      let isBad = name == "blk.1.ffn_up.weight"
      let count = shape.reduce(1, *)
      return (
        name: ModelBuilder.huggingFaceName(name), type: isBad ? "F8_E4M3" : "F32", shape: shape,
        bytes: [UInt8](repeating: 0, count: isBad ? count : count * 4)
      )
    }
    _ = try folder.write(ModelBuilder.safetensors(tensors), "model.safetensors")
    _ = try folder.write(builder.config().utf8, "config.json")
    let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(folder.path) }
    #expect(
      error?.description.hasSuffix(
        "tensor 'blk.1.ffn_up.weight' has the unsupported type F8_E4M3") == true)
  }

  @Test func refusesIndicesThatLeaveTheFolder() throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    _ = try folder.write(builder.config().utf8, "config.json")
    for name in ["../model.safetensors", "/etc/passwd", "", "..", "a/b"] {
      let index: JSONValue = ["weight_map": ["lm_head.weight": .string(name)]]
      let path = try folder.write(index.utf8, "model.safetensors.index.json")
      let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path) }
      #expect(error?.description.contains("is no plain file name") == true)
    }
    let index: JSONValue = ["weight_map": ["lm_head.weight": "gone.safetensors"]]
    let path = try folder.write(index.utf8, "model.safetensors.index.json")
    #expect(throws: FileError.self) { try Checkpoint.open(path) }
  }

  @Test func saysWhatIsMissing() throws {
    let folder = try TemporaryFolder()
    func message(_ path: String) -> String {
      let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path) }
      return error?.description ?? ""
    }
    #expect(message(folder.path + "/x").contains("it does not exist"))
    #expect(message(folder.path).contains("holds 0 .gguf files and 0 .safetensors files"))
    let path = try folder.write(ModelBuilder().safetensors, "model.safetensors")
    #expect(message(path).contains("there is no config.json"))
  }
}
