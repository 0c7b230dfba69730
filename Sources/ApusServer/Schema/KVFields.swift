import ApusEngine

extension FieldReader {
  /// What is kept and read of the request's keys and values, from `apus.kv_policy` and `apus.select`; nil without them.
  ///
  /// Of a request that names one, the other is `none`, whatever the server was started with. Options cannot name files.
  func kvMethods() throws -> KVMethods? {
    guard let extensions = try object("apus") else { return nil }
    let fields = FieldReader(extensions, prefix: "apus.")
    let policy = try fields.plugIn("kv_policy") {
      try KVMethods(policy: $0, selector: nil, files: false)
    }
    let selector = try fields.plugIn("select") {
      try KVMethods(policy: nil, selector: $0, files: false)
    }
    guard policy != nil || selector != nil else { return nil }
    return try KVMethods(policy: policy, selector: selector, files: false)
  }

  /// The text that describes a plug-in, which `make` makes to find out whether it can.
  private func plugIn(_ name: String, _ make: (String) throws -> KVMethods) throws -> String? {
    guard let text = try string(name) else { return nil }
    do { _ = try make(text) } catch { throw invalid(name, "is wrong: \(error)") }
    return text
  }
}
