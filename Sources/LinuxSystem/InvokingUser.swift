import CLinux
import Glibc

/// The user who runs swprof through sudo(8): what it leaves behind belongs to them and not to root.
package struct InvokingUser: Equatable, Sendable {
  package let userID: UInt32
  package let groupID: UInt32
  /// The home directory by `/etc/passwd`; nil where only a directory service knows the user.
  package let home: String?
  /// The other groups that they are in.
  package private(set) var groups: [UInt32] = []

  package init(userID: UInt32, groupID: UInt32, home: String?, groups: [UInt32] = []) {
    self.userID = userID
    self.groupID = groupID
    self.home = home
    self.groups = groups
  }

  /// The same user, with the groups that the system's databases have for them (getgrouplist(3)).
  package func withGroups() -> InvokingUser {
    guard let entry = unsafe getpwuid(userID), let name = unsafe entry.pointee.pw_name else { return self }
    var count = Int32(0)
    _ = unsafe getgrouplist(name, groupID, nil, &count)
    guard count > 0 else { return self }
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard unsafe getgrouplist(name, groupID, &groups, &count) >= 0 else { return self }
    var user = self
    user.groups = Array(groups.prefix(Int(count)))
    return user
  }

  /// Who the environment says called sudo; nobody unless this process is root's.
  ///
  /// - Parameter passwd: the text of `/etc/passwd`.
  /// - Returns: the user, or why what `SUDO_UID` and `SUDO_GID` say was passed over.
  package static func find(
    environment: [String: String], isRoot: Bool, passwd: String
  ) -> (user: InvokingUser?, warning: String?) {
    // SUDO_UID=0 is root's own sudo.
    guard isRoot, let text = environment["SUDO_UID"], text != "0" else { return (nil, nil) }
    guard let userID = plainNumber(text) else {
      return (nil, "SUDO_UID is not the number of a user, and was ignored; what is written belongs to root")
    }
    let entry = entry(of: userID, in: passwd)
    let groupID = environment["SUDO_GID"].map(plainNumber) ?? entry?.groupID
    guard let groupID else {
      return (nil, "SUDO_GID is not the number of a group, and SUDO_UID was ignored; what is written belongs to root")
    }
    return (InvokingUser(userID: userID, groupID: groupID, home: entry?.home), nil)
  }

  /// Decimal digits alone. The highest number is no user's: chown(2) takes it for "leave it as it is".
  private static func plainNumber(_ text: String) -> UInt32? {
    guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
      let number = UInt32(text), number != .max
    else { return nil }
    return number
  }

  /// What passwd(5) has for a user: `name:password:uid:gid:comment:home:shell`.
  private static func entry(of userID: UInt32, in passwd: String) -> (groupID: UInt32, home: String?)? {
    for line in passwd.split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 7, UInt32(fields[2]) == userID, let groupID = plainNumber(String(fields[3])) else {
        continue
      }
      return (groupID, fields[5].hasPrefix("/") ? String(fields[5]) : nil)
    }
    return nil
  }

  /// Does something with the user's rights over files, in this thread alone, and becomes root again.
  ///
  /// Whatever is made belongs to the user from its first moment, and no link leads to where the user could not go
  /// themselves: SQLite gives a log that it finds to the owner of the database (`robustFchown` of its os_unix.c), and a
  /// hard link in its place would give away any file. With another file system user id than root's, the kernel takes the
  /// capabilities over files away too (capabilities(7), "Effect of user ID changes"). Where it refuses the change, as in
  /// a user namespace that lacks the user, it is done as root.
  package func perform<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    guard geteuid() == 0 else { return try body() }
    // Neither call tells whether it has worked (setfsuid(2)): an id that there is not changes nothing.
    let former = Self.groupsOfThread
    _ = unsafe swprof_set_thread_groups(groups.count, groups)
    let group = gid_t(bitPattern: setfsgid(groupID))
    let user = uid_t(bitPattern: setfsuid(userID))
    defer {
      _ = setfsuid(user)
      _ = setfsgid(group)
      _ = unsafe swprof_set_thread_groups(former.count, former)
      precondition(uid_t(bitPattern: setfsuid(.max)) == user, "root's id comes back")
    }
    if uid_t(bitPattern: setfsuid(.max)) != userID {
      _ = setfsgid(group)
      _ = unsafe swprof_set_thread_groups(former.count, former)
    }
    return try body()
  }

  private static var groupsOfThread: [gid_t] {
    let count = getgroups(0, nil)
    guard count > 0 else { return [] }
    var groups = [gid_t](repeating: 0, count: Int(count))
    let found = unsafe getgroups(count, &groups)
    return Array(groups.prefix(Int(max(found, 0))))
  }

  /// Whether the user could write a file, or make it and the directories that it lacks.
  package func canWrite(_ path: String) -> Bool {
    perform {
      var place = path.isEmpty ? "." : path
      while true {
        // Beneath a directory it takes the right to search it too.
        let mode = place == path ? W_OK : W_OK | X_OK
        if unsafe faccessat(AT_FDCWD, place, mode, AT_EACCESS) == 0 { return true }
        guard Errno.last == .noSuchFile, place != "/", place != "." else { return false }
        let parent = place.split(separator: "/", omittingEmptySubsequences: true).dropLast().joined(separator: "/")
        place = place.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent
      }
    }
  }
}
