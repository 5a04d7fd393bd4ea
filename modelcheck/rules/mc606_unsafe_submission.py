from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class UnsafeSubmission(FailureRule):
    """The archive or folder leads out of itself, or holds far too much.

    ## What it checks

    An archive (`.zip`, `.tar`, `.tar.gz`, `.tar.bz2`, `.tar.xz`) is looked through before anything of it is unpacked.
    It is refused for a member with an absolute path or a `..`, a link that leads out, a device or a pipe, a name that
    is a file's and a folder's, members that are encrypted or overlap, more than 10,000 members, 512 MiB of contents, or
    200 times its own size. A folder is refused for a link that leads out of it, for more than 200,000 files, and for
    folders more than 32 deep. The finding names the member or the link.

    ## Why it matters

    What is handed in is opened on somebody else's machine. A path that leads out would write there or read other
    people's files, and a small archive can fill the disk.

    ## Bad

    This script packs the submission.

    ```python
    import zipfile

    with zipfile.ZipFile("sub.zip", "w") as archive:
        archive.writestr("../net.py", "import torch.nn as nn")
    ```

    ## Good

    ```python
    import zipfile

    NET = '''
    import torch.nn as nn

    class Net(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :10]
    '''

    with zipfile.ZipFile("sub.zip", "w") as archive:
        archive.writestr("net.py", NET)
    ```

    ## Options

    None: this rule is always on.

    ## Known limits

    Archives inside an archive stay packed and are not looked into. Links that stay inside are not unpacked, and in a
    folder not followed. A hard link in a folder cannot be told from a file. Hidden folders, virtual environments and
    `build`, `dist` and `node_modules` are not searched.
    """

    code = "MC606"
    name = "unsafe-submission"
    evidence = "does not lead out of itself"
    failed = "is not safe to open"
