# Of two rules that hold for a file, the closer one stands first.
watch		/home/*
permissions	/home/bob
watch		/home/bob/bin
permissions	/home/*/.ssh
watch		/home/*/.ssh/authorized_keys
exclude		/home/*/c++-1.0~
