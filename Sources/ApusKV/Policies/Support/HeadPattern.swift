import ApusCore
import Foundation

/// Which KV heads of each layer are retrieval heads, read from the file that the option `heads` names.
///
/// The file is a table with one row a layer and one number a KV head, as DuoAttention (arXiv:2410.10819) publishes
/// them, or JSON such as `{"streaming": {"sinks": 4, "window": 256}, "heads": [[1, 0], …]}`, where `streaming` may be
/// missing. From `threshold` on, a number is that of a retrieval head.
struct HeadPattern: Sendable {
  /// [layer][KV head]
  private(set) var isRetrieval: [[Bool]] = []
  /// What the file says the other heads keep.
  private(set) var sinks: Int?
  private(set) var window: Int?

  private static let largestFile = 1 << 20

  init(options: PluginOptions) throws {
    let path = try options.file("heads")
    let threshold = try options.double("threshold", in: 0...1) ?? 0.5
    guard let path else {
      throw options.invalid("heads", expected: "the path of a file with a pattern of heads")
    }
    do {
      try read(Self.contents(of: path), threshold: threshold)
    } catch PatternError.malformed {
      throw options.invalid(
        "heads", expected: "a file with one row a layer and one number a KV head, or JSON 'heads'")
    } catch {
      throw options.invalid("heads", expected: "a file that can be read, of at most 1 MB")
    }
  }

  private static func contents(of path: String) throws -> [UInt8] {
    let url = URL(filePath: path).resolvingSymlinksInPath()
    let type = try FileManager.default.attributesOfItem(atPath: url.path)[.type]
    guard type as? FileAttributeType == .typeRegular else { throw PatternError.unreadable }
    let handle = try FileHandle(forReadingFrom: url)
    defer { try? handle.close() }
    let data = try handle.read(upToCount: largestFile + 1) ?? Data()
    guard data.count <= largestFile else { throw PatternError.unreadable }
    return Array(data)
  }

  private mutating func read(_ bytes: [UInt8], threshold: Double) throws(PatternError) {
    let text = String(decoding: bytes, as: UTF8.self)
    let rows: [[Double?]]
    if text.first(where: { !$0.isWhitespace }) == "{" {
      guard let json = try? JSONValue(parsing: bytes), let heads = json["heads"]?.arrayValue else {
        throw .malformed
      }
      rows = heads.map { $0.arrayValue?.map(\.doubleValue) ?? [] }
      sinks = json["streaming"]?["sinks"]?.intValue
      window = json["streaming"]?["window"]?.intValue
      guard sinks ?? 0 >= 0, window ?? 1 >= 1, max(sinks ?? 0, window ?? 0) <= 1 << 20 else {
        throw .malformed
      }
    } else {
      rows = text.split(whereSeparator: \.isNewline)
        .map { $0.split(whereSeparator: \.isWhitespace).map { Double($0) } }
        .filter { !$0.isEmpty }
    }
    guard let first = rows.first, !first.isEmpty, rows.allSatisfy({ $0.count == first.count }),
      rows.joined().allSatisfy({ $0?.isFinite ?? false })
    else { throw .malformed }
    isRetrieval = rows.map { row in row.map { $0.map { $0 >= threshold } ?? false } }
  }

  /// Throws `KVPolicyError` when the pattern is that of another model.
  func validate(for shape: KVShape, policy: String) throws {
    guard isRetrieval.count == shape.layerCount, isRetrieval[0].count == shape.headCount else {
      throw KVPolicyError.wrongPattern(
        policy: policy, option: "heads", layers: isRetrieval.count, heads: isRetrieval[0].count,
        expected: shape)
    }
  }
}

private enum PatternError: Error {
  case unreadable
  case malformed
}
