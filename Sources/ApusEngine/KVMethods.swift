import ApusAttention
import ApusCore
import ApusKV

/// How the keys and values of a request are kept and read, where that is not all of them.
public struct KVMethods: Sendable {
  /// What is kept; nil means everything.
  public let policy: (any KVPolicy)?
  /// What is read in a step; nil means everything that is kept.
  public let selector: (any KeySelector)?
  /// What `methods` of an answer calls them: `kv-policy:snapkv:budget=1024`.
  let policyName: String
  let selectorName: String

  /// Everything is kept and read.
  public static let none = KVMethods()

  /// The draft model that the policy asks.
  public var draftName: String? {
    guard case .lookahead(_, let draft) = policy?.prelude else { return nil }
    return draft
  }

  var isNone: Bool { policy == nil && selector == nil }

  /// The tokens that a sequence holds at most, where that does not grow with its text.
  func residentLimit(for shape: KVShape, promptCount: Int, maxBatchedTokens: Int) -> Int? {
    guard let policy, case .always(let slack) = policy.trigger,
      let largest = shape.capacities(policy, promptCount: promptCount).max(),
      largest < Int.max - maxBatchedTokens - slack
    else { return nil }
    return largest + slack + maxBatchedTokens
  }

  /// Tokens of a draft model's answer that are read behind a prompt, and the draft model.
  func lookahead(for shape: KVShape, promptCount: Int) -> (tokens: Int, draft: String)? {
    guard let policy, case .lookahead(let tokens, let draft) = policy.prelude,
      shape.capacities(policy, promptCount: promptCount).contains(where: { $0 < promptCount })
    else { return nil }
    return (tokens, draft)
  }

  private init() {
    (policy, selector) = (nil, nil)
    (policyName, selectorName) = ("", "")
  }

  /// Methods by texts such as `snapkv:budget=1024`; nil and `none` mean everything. Throws `CatalogError`.
  ///
  /// `files` says whether options may name files of this machine; who sends a request must not.
  public init(policy: String?, selector: String?, files: Bool = true) throws {
    let policy = policy == "none" ? nil : policy
    let selector = selector == "none" ? nil : selector
    self.policy = try policy.map { try KVPolicies.make($0, files: files) }
    self.selector = try selector.map { try KeySelectors.make($0) }
    policyName = policy.map { "kv-policy:" + $0 } ?? ""
    selectorName = selector.map { "select:" + $0 } ?? ""
  }
}

/// What a request's keys and values took at its end.
public struct KVReport: Sendable, Equatable {
  /// Tokens that a head of a layer keeps, on average.
  public var keptTokens = 0.0
  /// Bytes of the pages that the request holds.
  public var byteCount = 0
  /// Pages that a head of a layer reads in a step of one token, on average over all of them.
  public var pagesRead = 0.0

  public init() {}
}

extension KVShape {
  init(_ shape: ModelShape) {
    self.init(layerCount: shape.layerCount, headCount: shape.kvHeadCount)
  }

  /// Tokens that each head may hold after eviction, [layers * heads].
  func capacities(_ policy: any KVPolicy, promptCount: Int) -> [Int] {
    (0..<layerCount * headCount).map {
      policy.capacity(
        layer: $0 / headCount, head: $0 % headCount, of: self, promptCount: promptCount)
    }
  }
}
