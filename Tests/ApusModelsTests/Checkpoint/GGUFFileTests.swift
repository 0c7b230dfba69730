import ApusCompute
import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct GGUFFileTests {
  @Test(arguments: [UInt8(2), 3])
  func readsWhatTheWriterWrites(version: UInt8) throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    var bytes = builder.gguf
    bytes[4] = version
    let checkpoint = try Checkpoint.open(try folder.write(bytes, "tiny.gguf"))
    #expect(checkpoint.format == .gguf(version: Int(version)))
    #expect(checkpoint.configuration.name == "tiny")
    for (name, shape) in builder.shapes {
      let tensor = try checkpoint.tensor(name)
      #expect(tensor.shape == shape)
      #expect(try tensor.floats() == builder.numbers(name, shape))
    }
    #expect(throws: CheckpointError.missingTensor(file: checkpoint.path, tensor: "x")) {
      try checkpoint.tensor("x")
    }
  }

  @Test func readsEveryKindOfValue() throws {
    let integers: [(GGUFValueType, [UInt8], MetadataValue)] = [
      (.uint8, [255], .unsigned(255)), (.int8, [255], .integer(-1)),
      (.uint16, [255, 255], .unsigned(65535)), (.int16, [0xFE, 0xFF], .integer(-2)),
      (.uint32, [1, 0, 0, 0x80], .unsigned(0x8000_0001)),
      (.int32, [0xFF, 0xFF, 0xFF, 0xFF], .integer(-1)),
      (.uint64, .init(repeating: 255, count: 8), .unsigned(.max)),
      (.int64, .init(repeating: 255, count: 8), .integer(-1)),
      (.float32, [0, 0, 0xC0, 0x3F], .number(1.5)),
      (.float64, [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], .number(1.5)), (.bool, [1], .bool(true)),
      (.string, [2, 0, 0, 0, 0, 0, 0, 0, 0x68, 0x69], .string("hi")),
    ]
    let arrays: [(GGUFValue, MetadataValue)] = [
      (.bools([true, false]), .bools([true, false])), (.int32s([-5]), .integers([-5])),
      (.float32s([2]), .numbers([2])), (.strings(["a", ""]), .strings(["a", ""])),
      (
        .raw(.array, [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 200]), .integers([7, 200])
      ),
    ]
    let values = integers.map { (GGUFValue.raw($0.0, $0.1), $0.2) } + arrays
    let header = GGUFWriter.header(
      metadata: values.enumerated().map { ("key\($0.offset)", $0.element.0) }, tensors: [])
    let folder = try TemporaryFolder()
    let file = try GGUFFile(path: try folder.write(header, "a.gguf"))
    for (index, value) in values.enumerated() {
      #expect(file.metadata["key\(index)"] == value.1)
    }
    #expect(file.entries.map(\.key) == values.indices.map { "key\($0)" })
  }

  /// A header with one tensor, in which a test breaks one thing.
  private func header(
    key: String = "general.alignment", value: GGUFValue = .uint32(32), dimensions: [UInt64] = [32],
    type: UInt32 = 0, offset: UInt64 = 0, dataCount: Int = 128, copies: Int = 1
  ) -> [UInt8] {
    var bytes = Array("GGUF".utf8)
    bytes.append(littleEndian: UInt32(3))
    bytes.append(littleEndian: UInt64(copies))
    bytes.append(littleEndian: UInt64(1))
    bytes.append(gguf: key)
    bytes.append(littleEndian: value.type.rawValue)
    value.append(to: &bytes)
    for copy in 0..<copies {
      bytes.append(gguf: copies == 1 ? "t" : "t\(copy)")
      bytes.append(littleEndian: UInt32(dimensions.count))
      for dimension in dimensions { bytes.append(littleEndian: dimension) }
      bytes.append(littleEndian: type)
      bytes.append(littleEndian: offset)
    }
    while bytes.count % 32 != 0 { bytes.append(0) }
    return bytes + [UInt8](repeating: 0, count: dataCount)
  }

  private func message(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, "broken.gguf")
    let error = #expect(throws: CheckpointError.self) { try GGUFFile(path: path) }
    return error.map { "\($0)" } ?? ""
  }

  @Test func refusesBrokenHeaders() throws {
    let folder = try TemporaryFolder()
    #expect(try GGUFFile(path: try folder.write(header(), "good.gguf")).tensors.count == 1)
    #expect(try message(Array("GGML....".utf8)).contains("does not start with the letters GGUF"))
    var bytes = header()
    bytes[4] = 1
    #expect(try message(bytes).contains("version 1 is not supported"))
    bytes = header()
    bytes.replaceSubrange(4..<8, with: [0, 0, 0, 3])
    #expect(try message(bytes).contains("big-endian"))
    bytes = header()
    bytes.replaceSubrange(8..<16, with: [UInt8](repeating: 255, count: 8))
    #expect(try message(bytes).contains("18446744073709551615 tensors do not fit"))
    bytes = header()
    bytes.replaceSubrange(16..<24, with: [255, 255, 255, 255, 0, 0, 0, 0])
    #expect(try message(bytes).contains("4294967295 key–value pairs do not fit"))
    #expect(try message(header(value: .uint32(33))).contains("general.alignment"))
    #expect(try message(header(value: .uint32(0))).contains("general.alignment"))
    #expect(
      try message(header(key: "k", value: .raw(.array, [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])))
        .contains("arrays of arrays"))
    #expect(
      try message(
        header(key: "k", value: .raw(.array, [8, 0, 0, 0] + .init(repeating: 127, count: 8)))
      )
      .contains("array elements do not fit"))
    #expect(try message(Array(header().prefix(70))).contains("ends at byte 70"))
  }

  @Test func refusesBrokenTensors() throws {
    #expect(try message(header(dimensions: [])).contains("0 dimensions"))
    #expect(try message(header(dimensions: [1, 1, 1, 1, 1])).contains("5 dimensions"))
    #expect(try message(header(dimensions: [0])).contains("shape [0]"))
    #expect(try message(header(dimensions: [.max])).contains("dimension of 18446744073709551615"))
    #expect(try message(header(dimensions: [1 << 40, 1 << 40])).contains("cannot have"))
    #expect(try message(header(dimensions: [33], type: 8)).contains("which Q8_0 cannot have"))
    #expect(try message(header(dimensions: [64])).contains("ends after the file"))
    #expect(try message(header(offset: 32)).contains("ends after the file"))
    #expect(try message(header(offset: .max - 31)).contains("ends after the file"))
    #expect(try message(header(offset: 4)).contains("unaligned"))
    #expect(try message(header(copies: 2)).contains("'t0' and 't1' overlap"))
  }

  @Test(arguments: [(UInt32(16), "IQ2_XXS (16)"), (39, "MXFP4 (39)"), (4711, "number 4711")])
  func namesTensorAndTypeThatItCannotRead(number: UInt32, name: String) throws {
    let text = try message(header(type: number))
    #expect(text.contains("tensor 't' has the unsupported type \(name)"))
  }

  @Test func opensSplitFiles() throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    let names = builder.shapes
    for (index, part) in [names[..<10], names[10...]].enumerated() {
      let tensors = part.map { GGUFWriter.Tensor(name: $0.name, type: .f32, shape: $0.shape) }
      let split: [(key: String, value: GGUFValue)] = [
        ("split.no", .raw(.uint16, [UInt8(index), 0])), ("split.count", .raw(.uint16, [2, 0])),
        ("split.tensors.count", .int32(Int32(names.count))),
      ]
      var writer = try GGUFWriter(
        path: folder.path + "/m-0000\(index + 1)-of-00002.gguf",
        metadata: (index == 0 ? builder.metadata : []) + split, tensors: tensors)
      for tensor in part {
        try writer.append(quantize(.f32, builder.numbers(tensor.name, tensor.shape)))
      }
      try writer.finish()
    }
    for path in ["/m-00001-of-00002.gguf", "/m-00002-of-00002.gguf", ""] {
      let checkpoint = try Checkpoint.open(folder.path + path)
      #expect(checkpoint.tensors.count == names.count)
    }
  }

  @Test func writerLeavesNothingBehindWhenStopped() throws {
    let folder = try TemporaryFolder()
    do {
      var writer = try GGUFWriter(
        path: folder.path + "/a.gguf", metadata: [],
        tensors: [.init(name: "t", type: .f32, shape: [8])])
      try writer.append([UInt8](repeating: 0, count: 16))
      #expect(folder.names.count == 1)
    }
    #expect(folder.names == [])
    #expect(throws: FileError.self) {
      _ = try OutputFile(path: folder.path + "/missing/a.gguf")
    }
  }
}
