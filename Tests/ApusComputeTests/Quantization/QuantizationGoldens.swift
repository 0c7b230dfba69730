import ApusCompute
import Foundation

/// Fixtures in `Tests/Golden/quantization`, made by `make.py` there from gguf-py and ggml.
enum QuantizationGoldens {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Golden/quantization")

  /// ggml's own vectors (`$APUS_SHARED` or `../shared`), not part of the project.
  static let ggmlFolder: URL = {
    let artefacts =
      ProcessInfo.processInfo.environment["APUS_SHARED"].map { URL(fileURLWithPath: $0) }
      ?? folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared")
    return artefacts.appending(path: "artefacts/weights/ggml-quant-goldens")
  }()

  static let haveGGML = FileManager.default.fileExists(atPath: ggmlFolder.path)

  static func bytes(_ name: String, in folder: URL = folder) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }

  static func floats(_ name: String, in folder: URL = folder) throws -> [Float] {
    let bytes = try bytes(name, in: folder)
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
      return Float(bitPattern: bits)
    }
  }
}

func decode(_ type: TensorType, _ bytes: [UInt8]) -> [Float] {
  var result = [Float](
    repeating: 0, count: bytes.count / type.blockByteCount * type.blockSize)
  var span = result.mutableSpan
  dequantize(type, bytes.span.bytes, into: &span)
  return result
}
