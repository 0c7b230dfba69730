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
