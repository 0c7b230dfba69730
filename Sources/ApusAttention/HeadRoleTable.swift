import ApusCompute
import ApusCore

/// What a KV head is for: it reads everything, or only sinks and a window.
public enum HeadRole: Sendable, Equatable {
  case full
  case streaming(sinks: Int, window: Int)
}

/// One role per layer and KV head, read from a file or computed.
public struct HeadRoleTable: Sendable, Equatable {
  public private(set) var roles: [[HeadRole]]

  /// Every head reads everything.
  public init(layerCount: Int, headCount: Int) {
    roles = Array(repeating: Array(repeating: .full, count: headCount), count: layerCount)
  }

  public subscript(layer: Int, head: Int) -> HeadRole {
    get { roles[layer][head] }
    set { roles[layer][head] = newValue }
  }

  /// Reads `{"streaming": {"sinks": 4, "window": 256}, "heads": [[1, 0], …]}`: one row a layer, one number a KV head,
  /// at least 0.5 for a head that reads everything.
  public init(json: JSONValue, layerCount: Int, headCount: Int) throws {
    guard let rows = json["heads"]?.arrayValue, rows.count == layerCount else {
      throw HeadRoleError.wrongShape(expected: layerCount, headCount)
    }
    guard let sinks = json["streaming"]?["sinks"]?.intValue, sinks >= 0,
      let window = json["streaming"]?["window"]?.intValue, window > 0
    else { throw HeadRoleError.missingStreaming }
    roles = try rows.map { row in
      guard let gates = row.arrayValue?.map(\.doubleValue), gates.count == headCount,
        gates.allSatisfy({ $0 != nil })
      else { throw HeadRoleError.wrongShape(expected: layerCount, headCount) }
      return gates.map { $0! >= 0.5 ? .full : .streaming(sinks: sinks, window: window) }
    }
  }

  /// What the heads of a layer read, given the model's own sliding window.
  public func ranges(layer: Int, modelWindow: Int?) -> [HeadRange] {
    roles[layer].map { role in
      switch (role, modelWindow) {
      case (.full, nil): .full
      case (.full, let window?): HeadRange(window: window)
      case (.streaming(let sinks, let window), let limit):
        HeadRange(sinks: limit == nil ? sinks : 0, window: min(window, limit ?? window))
      }
    }
  }
}

public enum HeadRoleError: Error, Equatable, CustomStringConvertible {
  case wrongShape(expected: Int, Int)
  case missingStreaming

  public var description: String {
    switch self {
    case .wrongShape(let layers, let heads):
      "head roles: expected \"heads\" with \(layers) rows of \(heads) numbers"
    case .missingStreaming:
      "head roles: expected \"streaming\" with \"sinks\" (0 or more) and \"window\" (1 or more)"
    }
  }
}
